-- millrace.capture_list(columns)
-- Purpose:    the names alone of what millrace.capture_columns or millrace.capture_key gives.
-- Parameters: i_columns - their text.
-- Returns:    the JSON array that it begins with.
-- Tables:     none.
CREATE OR REPLACE FUNCTION millrace.capture_list(i_columns text) RETURNS json
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- E: the session's standard_conforming_strings must not matter.
    RETURN substring(i_columns FROM E'^[[](?:"(?:[^"\\\\]|\\\\.)*"|null|,)*[]]')::json;
END $$;

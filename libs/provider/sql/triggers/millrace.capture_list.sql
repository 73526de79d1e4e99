-- millrace.capture_list(columns)
-- Purpose:    the names alone of what millrace.capture_columns or millrace.capture_key gives.
-- Parameters: i_columns - their text.
-- Returns:    the JSON array that it begins with.
-- Tables:     none.
CREATE OR REPLACE FUNCTION millrace.capture_list(i_columns text) RETURNS json
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN substring(i_columns FROM '^\[(?:"(?:[^"\\]|\\.)*"|null|,)*\]')::json;
END $$;

-- millrace.capture_name(rel)
-- Purpose:    a table's present name. IMMUTABLE for the reason and with the warning in millrace.capture_columns.
-- Parameters: i_rel - the table.
-- Returns:    schema and name, quoted.
-- Tables:     none.
CREATE OR REPLACE FUNCTION millrace.capture_name(i_rel oid) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN i_rel::regclass::text;
END $$;

-- millrace.capture_name(rel)
-- Purpose:    a table's present name. IMMUTABLE for the reason and with the warning in millrace.capture_columns.
-- Parameters: i_rel - the table.
-- Returns:    JSON array of schema (left out for pg_catalog) and name.
-- Tables:     none.
CREATE OR REPLACE FUNCTION millrace.capture_name(i_rel oid) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- Not the text itself: quote_all_identifiers changes it from session to session.
    RETURN to_json(parse_ident(i_rel::regclass::text))::text;
END $$;

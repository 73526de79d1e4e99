-- millrace.capture_key(rel)
-- Purpose:    a table's key columns as in an event (ev_extra3). IMMUTABLE for the reason and with the warning
--             in millrace.capture_columns.
-- Parameters: i_rel - the table (for a partition: its registered root).
-- Returns:    JSON array of names in index order, with numbers and types as in millrace.capture_columns; [] when the table has no usable key: nobody can apply an update or
--             delete then, and the subscriber stops with an error.
-- Tables:     as millrace.table_key.
CREATE OR REPLACE FUNCTION millrace.capture_key(i_rel oid) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_names text[] := (millrace.table_key(i_rel)).names;
BEGIN
    RETURN coalesce(to_json(v_names)::text || millrace.capture_numbers(i_rel, v_names), '[]');
END $$;

-- millrace.copy_source(rel, names)
-- Purpose:    numbers and types of columns for the header of a copy, as in events: for a role that may read tables only.
-- Parameters: i_rel - the table; i_names - its columns in the order of the copy.
-- Returns:    as millrace.capture_numbers, without the blank before it.
-- Tables:     as millrace.capture_types.
CREATE OR REPLACE FUNCTION millrace.copy_source(i_rel oid, i_names text[]) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN ltrim(millrace.capture_numbers(i_rel, i_names));
END $$;

-- millrace.capture_names(rel)
-- Purpose:    a table's live columns in order, as the server's own row type has them right now. Not read from
--             pg_attribute: a transaction (REPEATABLE READ) or statement (COPY that waited for its lock) may have a
--             snapshot older than the last ALTER TABLE, while the rows it writes have the columns of today.
-- Parameters: i_rel - the table.
-- Returns:    column names; empty for a table without columns.
-- Tables:     none. The names are those of the row type, not of a query on the table: a policy of the table is part of every
--             query on it, and its functions would run here, as the owner of this function, even where no row is read.
CREATE OR REPLACE FUNCTION millrace.capture_names(i_rel oid) RETURNS text[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_row json;
BEGIN
    EXECUTE format('SELECT row_to_json("mr~row".*) FROM (SELECT (NULL::%s).*) AS "mr~row"', i_rel::regclass)
    INTO v_row;
    RETURN ARRAY(SELECT json_object_keys(v_row));
END $$;

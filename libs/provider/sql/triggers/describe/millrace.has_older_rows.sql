-- millrace.has_older_rows(partition)
-- Purpose:    whether a partition holds rows that are not younger than its becoming a partition: they came with it, and
--             nobody captured them. A row of the same transaction counts as one: rather a copy too many.
-- Parameters: i_rel - the partition.
-- Returns:    true when there is such a row, or when row security leaves that unknown: a policy could hide rows, and its functions
--             would run here, as the owner of this function.
-- Tables:     pg_inherits, the partition (read).
CREATE OR REPLACE FUNCTION millrace.has_older_rows(i_rel oid) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_since xid := (SELECT h.xmin FROM pg_inherits h WHERE h.inhrelid = i_rel);
    v_found boolean;
BEGIN
    IF row_security_active(i_rel) THEN
        RETURN true;
    END IF;
    EXECUTE format('SELECT EXISTS (SELECT FROM ONLY %s AS t WHERE age(t.xmin) >= age($1))', i_rel::regclass) INTO v_found USING v_since;
    RETURN v_found;
END $$;

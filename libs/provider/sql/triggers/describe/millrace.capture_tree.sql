-- millrace.capture_tree(root)
-- Purpose:    the tables that carry capture triggers for a registered table: itself and all its partitions.
-- Parameters: i_root - the registered table.
-- Returns:    their oids; none when it is gone.
-- Tables:     pg_class, pg_inherits (read).
CREATE OR REPLACE FUNCTION millrace.capture_tree(i_root oid) RETURNS SETOF oid
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY SELECT c.oid FROM pg_class c WHERE c.oid = i_root AND c.relkind IN ('r', 'p')
        UNION SELECT p.relid::oid FROM pg_partition_tree(i_root) p;
END $$;

-- millrace.was_rewritten(root, storage)
-- Purpose:    whether ALTER TABLE rewrote a table's rows in a way that no event contains: USING with the type that the column
--             had, or a new column with a default that differs from row to row. A column that gets another type is not
--             meant: events contain it, and the subscriber handles it.
-- Parameters: i_root - the registered table; i_storage - millrace.table_storage at the last check.
-- Returns:    true when it was; other things that move rows (VACUUM FULL, CLUSTER, TRUNCATE) do not count: they leave
--             columns alone. A second ALTER TABLE before the next check may hide the first.
-- Tables:     pg_class, pg_attribute (read).
CREATE OR REPLACE FUNCTION millrace.was_rewritten(i_root oid, i_storage jsonb) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM pg_class c
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.xmin = c.xmin
        WHERE c.oid IN (SELECT millrace.capture_tree(i_root))
          AND i_storage -> c.oid::text ->> 'node' <> c.relfilenode::text
          AND CASE WHEN i_storage -> c.oid::text -> 'types' ? a.attnum::text
              THEN i_storage -> c.oid::text -> 'types' ->> a.attnum::text = format('%s %s %s', a.atttypid, a.atttypmod, a.atthasmissing)
              ELSE (a.atthasdef OR a.attidentity <> '') AND a.attgenerated = '' AND NOT a.atthasmissing END);
END $$;

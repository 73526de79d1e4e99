-- millrace.table_storage(root)
-- Purpose:    the state by which millrace.was_rewritten detects an ALTER TABLE that rewrote all rows.
-- Parameters: i_root - the registered table.
-- Returns:    for each table of its tree that has rows of its own, by oid: node - its file; types - of its columns, by number,
--             and whether older rows lack them: the first rewriting afterwards, of any kind, touches the column.
-- Tables:     pg_class, pg_attribute (read).
CREATE OR REPLACE FUNCTION millrace.table_storage(i_root oid) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (
        SELECT jsonb_object_agg(c.oid, jsonb_build_object('node', c.relfilenode, 'types', (
            SELECT jsonb_object_agg(a.attnum, format('%s %s %s', a.atttypid, a.atttypmod, a.atthasmissing)) FROM pg_attribute a
            WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)))
        FROM pg_class c WHERE c.relkind = 'r' AND c.oid IN (SELECT millrace.capture_tree(i_root)));
END $$;

-- millrace.note_capture(queue, root)
-- Purpose:    records for which columns, key and shape the code of a registered table was made, and where its rows are.
-- Parameters: i_queue - the set; i_root - the registered table.
-- Returns:    nothing.
-- Tables:     millrace.set_table (update).
CREATE OR REPLACE FUNCTION millrace.note_capture(i_queue text, i_root oid) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE millrace.set_table t SET columns = n.columns, key_columns = n.key, signature = n.shape, storage = n.storage
    FROM (SELECT millrace.capture_names(i_root), coalesce((millrace.table_key(i_root)).names, '{}'),
                 millrace.capture_shape(i_root, i_root), millrace.table_storage(i_root)) AS n(columns, key, shape, storage)
    WHERE t.queue = i_queue AND t.relid = i_root
      AND (t.columns, t.key_columns, t.signature, t.storage) IS DISTINCT FROM (n.columns, n.key, n.shape, n.storage);
END $$;

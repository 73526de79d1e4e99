-- pgq.tune_storage(queue)
-- Purpose:    storage of the event tables: rows are written once, read for a while and truncated. So no vacuum, full
--             pages, and ev_data compressed by lz4 where the server has it, else not at all: pglz costs several times
--             more, in the application's own statement (measured: sql/storage.md).
-- Parameters: i_queue_name - the queue.
-- Returns:    1, or 0 when there is no such queue.
-- Tables:     pgq.queue (read), the event tables (storage options).
CREATE OR REPLACE FUNCTION pgq.tune_storage(i_queue_name text) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_table text;
    v_prefix text;
    v_count integer;
BEGIN
    SELECT q.queue_data_pfx, q.queue_ntables INTO v_prefix, v_count FROM pgq.queue q WHERE q.queue_name = i_queue_name;
    IF NOT FOUND THEN
        RETURN 0;
    END IF;
    FOR v_table IN SELECT pgq.quote_fqname(v_prefix || '_' || n) FROM generate_series(0, v_count - 1) AS n LOOP
        EXECUTE format('ALTER TABLE %s SET (fillfactor = 100, autovacuum_enabled = off, toast.autovacuum_enabled = off)', v_table);
        BEGIN
            EXECUTE format('ALTER TABLE %s ALTER COLUMN ev_data SET COMPRESSION lz4', v_table);
        EXCEPTION WHEN feature_not_supported THEN
            EXECUTE format('ALTER TABLE %s ALTER COLUMN ev_data SET STORAGE EXTERNAL', v_table);
        END;
    END LOOP;
    RETURN 1;
END $$;

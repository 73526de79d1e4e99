-- pgq.write_insert()
-- Purpose:    writes pgq.insert_event again, with one INSERT for each event table of the first queues, so that sessions keep
--             their plans. Other queues, and sessions that still run an older text, put the statement together at each call: it
--             does the same, only slower. Called whenever a queue is made or dropped, in the same transaction, and by the
--             installer.
-- Returns:    nothing.
-- Tables:     pgq.queue (read).
CREATE OR REPLACE FUNCTION pgq.write_insert() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- A session reads all of them at its first event: 20 us each.
    v_limit  CONSTANT integer := 16;
    v_queues jsonb;
BEGIN
    -- One writer at a time: two would collide on the function's row.
    PERFORM millrace.lock_row('queues', 'making or dropping a queue');
    SELECT coalesce(jsonb_agg(jsonb_build_object('queue_id', q.queue_id, 'event_tables', millrace.event_tables(q.queue_id)) ORDER BY q.queue_id), '[]')
    INTO v_queues
    -- Only names that create_queue gives: pgq_admin may write into pgq.queue, and is not to write into this function.
    FROM (SELECT * FROM pgq.queue WHERE queue_data_pfx = 'pgq.event_' || queue_id ORDER BY queue_id LIMIT v_limit) AS q;
    EXECUTE millrace.fill(millrace.template('insert_event'), jsonb_build_object('queues', v_queues));
END $$;

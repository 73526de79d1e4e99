-- pgq.current_event_table(queue)
-- Purpose:    the event table now written, for writing straight into it. Valid in this transaction only (rotation).
--             A row put there needs ev_time, ev_type and the rest; ev_id and ev_txid have their defaults.
--             Code made for one queue is cheaper off with: SELECT queue_cur_table FROM pgq.queue WHERE queue_id = N,
--             then one of three INSERTs written out. Any table of the queue is correct, the current one is tidy:
--             batches look in all of them, and rotation does not empty one that holds unread events.
-- Parameters: x_queue_name - the queue.
-- Returns:    unquoted name, e.g. pgq.event_7_1. Errors: Event queue not found; Writing to queue disabled.
-- Tables:     pgq.queue (read).
CREATE OR REPLACE FUNCTION pgq.current_event_table(x_queue_name text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_name     text;
    v_disabled boolean;
BEGIN
    SELECT q.queue_data_pfx || '_' || q.queue_cur_table, q.queue_disable_insert INTO v_name, v_disabled
    FROM pgq.queue q WHERE q.queue_name = x_queue_name;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'Event queue not found';
    END IF;
    IF v_disabled AND current_setting('session_replication_role') <> 'replica' THEN
        RAISE EXCEPTION 'Writing to queue disabled';
    END IF;
    PERFORM millrace.refuse_outsider(x_queue_name);
    RETURN v_name;
END $$;

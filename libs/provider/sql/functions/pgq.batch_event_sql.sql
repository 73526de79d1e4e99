-- pgq.batch_event_sql(batch)
-- Purpose:    the SELECT for an open batch's events (see millrace.interval_sql).
-- Returns:    SQL text giving ev_id, ev_time, ev_txid, ev_retry, ev_type, ev_data, ev_extra1..4 by ev_id.
-- Errors:     batch not found.
-- Tables:     pgq.subscription, pgq.queue, pgq.tick (read).
CREATE OR REPLACE FUNCTION pgq.batch_event_sql(x_batch_id bigint) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_sql text;
BEGIN
    SELECT millrace.interval_sql(q.queue_data_pfx, p.tick_snapshot, n.tick_snapshot,
               'ev_id, ev_time, ev_txid, ev_retry, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4',
               format('(ev_owner IS NULL OR ev_owner = %s)', s.sub_id))
    INTO v_sql
    FROM pgq.subscription s
    JOIN pgq.queue q ON q.queue_id = s.sub_queue
    JOIN pgq.tick p ON p.tick_queue = s.sub_queue AND p.tick_id = s.sub_last_tick
    JOIN pgq.tick n ON n.tick_queue = s.sub_queue AND n.tick_id = s.sub_next_tick
    WHERE s.sub_batch = x_batch_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'batch not found';
    END IF;
    PERFORM millrace.refuse_outsider(q.queue_name) FROM pgq.subscription s JOIN pgq.queue q ON q.queue_id = s.sub_queue WHERE s.sub_batch = x_batch_id;
    RETURN v_sql;
END $$;

-- millrace.make_probe(queue_id)
-- Purpose:    writes function millrace.unread_<queue id> (templates/unread_events.sql).
-- Parameters: i_queue_id - the queue.
-- Returns:    nothing.
-- Tables:     pgq.queue (read).
CREATE OR REPLACE FUNCTION millrace.make_probe(i_queue_id integer) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    EXECUTE millrace.fill(millrace.template('unread_events'), jsonb_build_object('queue_id', i_queue_id, 'event_tables', millrace.event_tables(i_queue_id)));
END $$;

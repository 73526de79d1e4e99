-- pgq.force_tick(queue)
-- Purpose:    makes the next call of the ticker make a tick: pushes the event sequence up as if many events had come. A queue that
--             is paused or ticked from elsewhere is left alone. Call it again until the number it gives has changed.
-- Parameters: i_queue_name - the queue.
-- Returns:    the last tick's id; NULL when there is no such queue.
-- Tables:     pgq.queue, pgq.tick (read), the event sequence.
CREATE OR REPLACE FUNCTION pgq.force_tick(i_queue_name text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM millrace.refuse_outsider(i_queue_name);
    PERFORM setval(q.queue_event_seq::regclass, nextval(q.queue_event_seq::regclass) + 2 * q.queue_ticker_max_count::bigint + 1000)
    FROM pgq.queue q
    WHERE q.queue_name = i_queue_name AND NOT q.queue_external_ticker AND NOT q.queue_ticker_paused;
    RETURN (SELECT max(t.tick_id) FROM pgq.tick t JOIN pgq.queue q ON q.queue_id = t.tick_queue WHERE q.queue_name = i_queue_name);
END $$;

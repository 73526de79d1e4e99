-- pgq.force_tick(queue)
-- Purpose:    makes the next pgq.ticker() tick, by moving the event sequence on. Does not tick itself: call it until
--             the result changes. (millrace.force_tick ticks at once.)
-- Returns:    the last tick's id. Errors: no such queue; and as ticker.
-- Tables:     pgq.queue, pgq.tick (read), the event sequence.
CREATE OR REPLACE FUNCTION pgq.force_tick(i_queue_name text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_queue record;
BEGIN
    SELECT q.queue_id, q.queue_event_seq, q.queue_ticker_max_count, q.queue_external_ticker INTO v_queue
    FROM pgq.queue q WHERE q.queue_name = i_queue_name;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no such queue';
    ELSIF v_queue.queue_external_ticker THEN
        RAISE EXCEPTION 'This queue has external tick source.';
    END IF;
    PERFORM setval(v_queue.queue_event_seq::regclass,
                   nextval(v_queue.queue_event_seq::regclass) + 2 * v_queue.queue_ticker_max_count::bigint + 1000);
    RETURN (SELECT max(t.tick_id) FROM pgq.tick t WHERE t.tick_queue = v_queue.queue_id);
END $$;

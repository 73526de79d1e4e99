-- millrace.ticks_after(queue, tick, limit)
-- Purpose:    the chain of ticks after a given one, in order: each is the end of one batch, the one before it its start.
-- Parameters: i_tick - a tick that is known here; i_limit - at most so many.
-- Returns:    tick, prev_tick, fingerprint, prev_fingerprint, tick_time, event_seq (a hint: equal to the previous
--             tick's does not prove that the batch is empty).
-- Errors:     tick N of queue q is not known here (MR002).
-- Tables:     pgq.queue, pgq.tick (read).
CREATE OR REPLACE FUNCTION millrace.ticks_after(
    IN i_queue text, IN i_tick bigint, IN i_limit integer, OUT tick bigint, OUT prev_tick bigint,
    OUT fingerprint text, OUT prev_fingerprint text, OUT tick_time timestamptz, OUT event_seq bigint)
RETURNS SETOF record
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_queue  integer;
    v_system text;
BEGIN
    SELECT q.queue_id INTO v_queue FROM pgq.queue q JOIN pgq.tick t ON t.tick_queue = q.queue_id
    WHERE q.queue_name = i_queue AND t.tick_id = i_tick;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'tick % of queue % is not known here', i_tick, i_queue USING ERRCODE = 'MR002';
    END IF;
    IF NOT EXISTS (SELECT FROM pgq.tick t WHERE t.tick_queue = v_queue AND t.tick_id > i_tick) THEN
        RETURN;
    END IF;
    v_system := millrace.system_identifier();
    RETURN QUERY
        WITH chain AS MATERIALIZED (
            SELECT t.tick_id, t.tick_time, t.tick_event_seq,
                   millrace.tick_fingerprint(v_system, i_queue, t.tick_id, t.tick_time, t.tick_snapshot) AS print
            FROM pgq.tick t WHERE t.tick_queue = v_queue AND t.tick_id >= i_tick
            ORDER BY t.tick_id LIMIT i_limit + 1
        ), linked AS (
            SELECT c.tick_id, lag(c.tick_id) OVER w AS prev_id, c.print, lag(c.print) OVER w AS prev_print, c.tick_time, c.tick_event_seq
            FROM chain c WINDOW w AS (ORDER BY c.tick_id)
        )
        SELECT l.tick_id, l.prev_id, l.print, l.prev_print, l.tick_time, l.tick_event_seq
        FROM linked l WHERE l.tick_id > i_tick ORDER BY l.tick_id;
END $$;

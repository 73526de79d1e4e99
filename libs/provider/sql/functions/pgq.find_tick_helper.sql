-- pgq.find_tick_helper(queue_id, prev_tick, prev_time, prev_seq, min_count, min_interval)
-- Purpose:    chooses the tick that ends a custom batch: the newest one when that is enough and not too far (more than
--             twice the requested size), else the first that is enough.
-- Returns:    the tick's id, time and event sequence; NULLs when nothing fits yet.
-- Tables:     pgq.tick (read).
CREATE OR REPLACE FUNCTION pgq.find_tick_helper(
    IN i_queue_id integer, IN i_prev_tick_id bigint, IN i_prev_tick_time timestamptz, IN i_prev_tick_seq bigint,
    IN i_min_count bigint, IN i_min_interval interval,
    OUT next_tick_id bigint, OUT next_tick_time timestamptz, OUT next_tick_seq bigint) RETURNS record
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_count    bigint;
    v_interval interval;
    v_enough   boolean;
    v_far      boolean;
BEGIN
    SELECT t.tick_id, t.tick_time, t.tick_event_seq INTO next_tick_id, next_tick_time, next_tick_seq
    FROM pgq.tick t WHERE t.tick_queue = i_queue_id AND t.tick_id > i_prev_tick_id ORDER BY t.tick_id DESC LIMIT 1;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    v_count := next_tick_seq - i_prev_tick_seq;
    v_interval := next_tick_time - i_prev_tick_time;
    v_enough := coalesce(v_count >= i_min_count, false) OR coalesce(v_interval >= i_min_interval, false);
    v_far := coalesce(v_count > 2 * i_min_count, false) OR coalesce(v_interval > 2 * i_min_interval, false);
    IF v_enough AND NOT v_far THEN
        RETURN;
    END IF;
    next_tick_id := NULL; next_tick_time := NULL; next_tick_seq := NULL;
    IF v_far THEN
        SELECT t.tick_id, t.tick_time, t.tick_event_seq INTO next_tick_id, next_tick_time, next_tick_seq
        FROM pgq.tick t
        WHERE t.tick_queue = i_queue_id AND t.tick_id > i_prev_tick_id
          AND (t.tick_event_seq - i_prev_tick_seq >= i_min_count OR t.tick_time - i_prev_tick_time >= i_min_interval)
        ORDER BY t.tick_id LIMIT 1;
    END IF;
END $$;

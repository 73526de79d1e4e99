-- pgq.next_batch_custom(queue, consumer, min_lag, min_count, min_interval)
-- Purpose:    opens the consumer's next batch, or gives the open one again.
-- Parameters: the three limits; all NULL: up to the next tick.
-- Returns:    one row; all NULL when there is nothing (yet).
-- Errors:     Not subscriber to queue: q/c; PgQ corruption: Consumer c on queue q does not see tick N.
-- Tables:     pgq.subscription (update), pgq.tick, pgq.queue, pgq.consumer (read).
CREATE OR REPLACE FUNCTION pgq.next_batch_custom(
    IN i_queue_name text, IN i_consumer_name text, IN i_min_lag interval, IN i_min_count integer, IN i_min_interval interval,
    OUT batch_id bigint, OUT cur_tick_id bigint, OUT prev_tick_id bigint, OUT cur_tick_time timestamptz,
    OUT prev_tick_time timestamptz, OUT cur_tick_event_seq bigint, OUT prev_tick_event_seq bigint) RETURNS record
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_sub record;
BEGIN
    PERFORM millrace.refuse_outsider(i_queue_name);
    -- Locked in a statement of its own: one that joined the ticks and then waited for another session of this consumer would
    -- see the position moved and not the ticks that go with it.
    PERFORM 1 FROM pgq.subscription s
    JOIN pgq.queue q ON q.queue_id = s.sub_queue
    JOIN pgq.consumer c ON c.co_id = s.sub_consumer
    WHERE q.queue_name = i_queue_name AND c.co_name = i_consumer_name
    FOR UPDATE OF s;
    SELECT s.sub_queue, s.sub_consumer, s.sub_last_tick, s.sub_next_tick, s.sub_batch,
           p.tick_id AS prev_id, p.tick_time AS prev_time, p.tick_event_seq AS prev_seq,
           n.tick_id AS next_id, n.tick_time AS next_time, n.tick_event_seq AS next_seq
    INTO v_sub
    FROM pgq.subscription s
    JOIN pgq.queue q ON q.queue_id = s.sub_queue
    JOIN pgq.consumer c ON c.co_id = s.sub_consumer
    LEFT JOIN pgq.tick p ON p.tick_queue = s.sub_queue AND p.tick_id = s.sub_last_tick
    LEFT JOIN pgq.tick n ON n.tick_queue = s.sub_queue AND n.tick_id = s.sub_next_tick
    WHERE q.queue_name = i_queue_name AND c.co_name = i_consumer_name;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'Not subscriber to queue: %/%', coalesce(i_queue_name, 'NULL'), coalesce(i_consumer_name, 'NULL');
    END IF;
    IF v_sub.prev_id IS NULL THEN
        RAISE EXCEPTION 'PgQ corruption: Consumer % on queue % does not see tick %',
            i_consumer_name, i_queue_name, v_sub.sub_last_tick;
    END IF;

    IF v_sub.sub_batch IS NULL THEN
        IF i_min_count IS NULL AND i_min_interval IS NULL THEN
            SELECT t.tick_id, t.tick_time, t.tick_event_seq INTO v_sub.next_id, v_sub.next_time, v_sub.next_seq
            FROM pgq.tick t WHERE t.tick_queue = v_sub.sub_queue AND t.tick_id > v_sub.sub_last_tick
            ORDER BY t.tick_id LIMIT 1;
        ELSE
            SELECT h.next_tick_id, h.next_tick_time, h.next_tick_seq INTO v_sub.next_id, v_sub.next_time, v_sub.next_seq
            FROM pgq.find_tick_helper(v_sub.sub_queue, v_sub.prev_id, v_sub.prev_time, v_sub.prev_seq,
                                      i_min_count, i_min_interval) AS h;
        END IF;
        IF v_sub.next_id IS NULL OR (i_min_lag IS NOT NULL AND now() - v_sub.next_time < i_min_lag) THEN
            RETURN;
        END IF;
        v_sub.sub_batch := nextval('pgq.batch_id_seq');
        UPDATE pgq.subscription s
        SET sub_batch = v_sub.sub_batch, sub_next_tick = v_sub.next_id, sub_active = now()
        WHERE s.sub_queue = v_sub.sub_queue AND s.sub_consumer = v_sub.sub_consumer;
    END IF;
    batch_id := v_sub.sub_batch;
    cur_tick_id := v_sub.next_id; cur_tick_time := v_sub.next_time; cur_tick_event_seq := v_sub.next_seq;
    prev_tick_id := v_sub.prev_id; prev_tick_time := v_sub.prev_time; prev_tick_event_seq := v_sub.prev_seq;
END $$;

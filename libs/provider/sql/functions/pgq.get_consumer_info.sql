-- pgq.get_consumer_info(queue, consumer)
-- Purpose:    where consumers stand.
-- Parameters: NULL: all.
-- Returns:    lag - age of last_tick; last_seen - since it was active; pending_events - a hint.
-- Tables:     pgq.queue, pgq.consumer, pgq.subscription, pgq.tick (read).
CREATE OR REPLACE FUNCTION pgq.get_consumer_info(
    IN i_queue_name text, IN i_consumer_name text, OUT queue_name text, OUT consumer_name text, OUT lag interval,
    OUT last_seen interval, OUT last_tick bigint, OUT current_batch bigint, OUT next_tick bigint, OUT pending_events bigint)
RETURNS SETOF record
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT q.queue_name, c.co_name, current_timestamp - t.tick_time, current_timestamp - s.sub_active, s.sub_last_tick,
               s.sub_batch, s.sub_next_tick, l.tick_event_seq - t.tick_event_seq
        FROM pgq.subscription s
        JOIN pgq.queue q ON q.queue_id = s.sub_queue
        JOIN pgq.consumer c ON c.co_id = s.sub_consumer
        LEFT JOIN pgq.tick t ON t.tick_queue = s.sub_queue AND t.tick_id = s.sub_last_tick
        LEFT JOIN LATERAL (SELECT * FROM pgq.tick n WHERE n.tick_queue = s.sub_queue ORDER BY n.tick_id DESC LIMIT 1) AS l ON true
        WHERE (i_queue_name IS NULL OR q.queue_name = i_queue_name) AND (i_consumer_name IS NULL OR c.co_name = i_consumer_name)
        ORDER BY q.queue_name, c.co_name;
END $$;

-- pgq.get_consumer_info(queue): all consumers of a queue.
CREATE OR REPLACE FUNCTION pgq.get_consumer_info(
    IN i_queue_name text, OUT queue_name text, OUT consumer_name text, OUT lag interval,
    OUT last_seen interval, OUT last_tick bigint, OUT current_batch bigint, OUT next_tick bigint, OUT pending_events bigint)
RETURNS SETOF record
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY SELECT * FROM pgq.get_consumer_info(i_queue_name, NULL);
END $$;

-- pgq.get_consumer_info(): all consumers of all queues.
CREATE OR REPLACE FUNCTION pgq.get_consumer_info(
    OUT queue_name text, OUT consumer_name text, OUT lag interval,
    OUT last_seen interval, OUT last_tick bigint, OUT current_batch bigint, OUT next_tick bigint, OUT pending_events bigint)
RETURNS SETOF record
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY SELECT * FROM pgq.get_consumer_info(NULL, NULL);
END $$;

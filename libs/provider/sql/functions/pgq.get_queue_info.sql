-- pgq.get_queue_info(queue)
-- Purpose:    a queue's settings and how it is doing.
-- Parameters: i_queue_name - NULL: all.
-- Returns:    ticker_lag - age of the last tick; ev_per_sec - over the last 20 ticks, NULL without a time difference;
--             ev_new - event ids since the last tick (ids are taken as dense).
-- Tables:     pgq.queue, pgq.tick, the event sequences (read).
CREATE OR REPLACE FUNCTION pgq.get_queue_info(
    IN i_queue_name text, OUT queue_name text, OUT queue_ntables integer, OUT queue_cur_table integer,
    OUT queue_rotation_period interval, OUT queue_switch_time timestamptz, OUT queue_external_ticker boolean,
    OUT queue_ticker_paused boolean, OUT queue_ticker_max_count integer, OUT queue_ticker_max_lag interval,
    OUT queue_ticker_idle_period interval, OUT ticker_lag interval, OUT ev_per_sec double precision,
    OUT ev_new bigint, OUT last_tick_id bigint) RETURNS SETOF record
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT q.queue_name, q.queue_ntables, q.queue_cur_table, q.queue_rotation_period, q.queue_switch_time,
               q.queue_external_ticker, q.queue_ticker_paused, q.queue_ticker_max_count, q.queue_ticker_max_lag,
               q.queue_ticker_idle_period, current_timestamp - l.tick_time,
               ((l.tick_event_seq - b.tick_event_seq) / nullif(extract(epoch FROM l.tick_time - b.tick_time), 0))::double precision,
               coalesce(pg_sequence_last_value(q.queue_event_seq::regclass), 0) - l.tick_event_seq, l.tick_id
        FROM pgq.queue q
        LEFT JOIN LATERAL (SELECT * FROM pgq.tick t WHERE t.tick_queue = q.queue_id ORDER BY t.tick_id DESC LIMIT 1) AS l ON true
        LEFT JOIN LATERAL (SELECT * FROM pgq.tick t WHERE t.tick_queue = q.queue_id AND t.tick_id >= l.tick_id - 20
                           ORDER BY t.tick_id LIMIT 1) AS b ON true
        WHERE i_queue_name IS NULL OR q.queue_name = i_queue_name
        ORDER BY q.queue_name;
END $$;

-- pgq.get_queue_info(): all queues.
CREATE OR REPLACE FUNCTION pgq.get_queue_info(
    OUT queue_name text, OUT queue_ntables integer, OUT queue_cur_table integer,
    OUT queue_rotation_period interval, OUT queue_switch_time timestamptz, OUT queue_external_ticker boolean,
    OUT queue_ticker_paused boolean, OUT queue_ticker_max_count integer, OUT queue_ticker_max_lag interval,
    OUT queue_ticker_idle_period interval, OUT ticker_lag interval, OUT ev_per_sec double precision,
    OUT ev_new bigint, OUT last_tick_id bigint) RETURNS SETOF record
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY SELECT * FROM pgq.get_queue_info(NULL);
END $$;

-- millrace.last_tick(queue)
-- Purpose:    the newest tick with its fingerprint.
-- Returns:    one row, or none when the queue has no tick or is not there.
-- Tables:     pgq.queue, pgq.tick (read).
CREATE OR REPLACE FUNCTION millrace.last_tick(
    IN i_queue text, OUT tick bigint, OUT fingerprint text, OUT tick_time timestamptz)
RETURNS SETOF record ROWS 1
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT i.tick, i.fingerprint, i.tick_time
        FROM pgq.queue q
        CROSS JOIN LATERAL (SELECT t.tick_id FROM pgq.tick t WHERE t.tick_queue = q.queue_id ORDER BY t.tick_id DESC LIMIT 1) AS t
        CROSS JOIN LATERAL millrace.tick_info(i_queue, t.tick_id) AS i
        WHERE q.queue_name = i_queue;
END $$;

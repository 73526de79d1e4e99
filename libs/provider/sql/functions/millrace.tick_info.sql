-- millrace.tick_info(queue, tick)
-- Purpose:    a tick with its fingerprint, as it is known here.
-- Returns:    one row, or none when the tick is not (or no longer) known.
-- Tables:     pgq.queue, pgq.tick (read).
CREATE OR REPLACE FUNCTION millrace.tick_info(
    IN i_queue text, IN i_tick bigint, OUT tick bigint, OUT fingerprint text, OUT tick_time timestamptz)
RETURNS SETOF record ROWS 1
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT t.tick_id, millrace.tick_fingerprint(millrace.system_identifier(), i_queue, t.tick_id, t.tick_time, t.tick_snapshot), t.tick_time
        FROM pgq.queue q JOIN pgq.tick t ON t.tick_queue = q.queue_id
        WHERE q.queue_name = i_queue AND t.tick_id = i_tick;
END $$;

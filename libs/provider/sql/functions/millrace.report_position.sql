-- millrace.report_position(queue, name, tick, fingerprint)
-- Purpose:    takes a subscriber's report of what it has durably applied, and releases the queue up to there. The record
--             only moves forward: a late or repeated report changes nothing.
-- Returns:    ok           the report fits our history; the record is at or beyond it;
--             ahead        newer than our last tick: our history is not the one it followed;
--             history      that tick is another one here, or was never made here;
--             unknown      no longer kept: it went back further than the queue can, or somebody took its consumer away;
--             unregistered no such subscriber.
-- Tables:     millrace.subscriber, pgq.subscription (update), pgq.tick (read).
CREATE OR REPLACE FUNCTION millrace.report_position(i_queue text, i_name text, i_tick bigint, i_fingerprint text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_sub  record;
    v_first bigint;
    v_last bigint;
    v_known text;
BEGIN
    SELECT s.tick, s.fingerprint, s.consumer, s.reported_at, q.queue_id INTO v_sub
    FROM millrace.subscriber s JOIN pgq.queue q ON q.queue_name = s.queue
    WHERE s.queue = i_queue AND s.name = i_name;
    IF NOT FOUND THEN
        RETURN 'unregistered';
    END IF;
    SELECT t.fingerprint INTO v_known FROM millrace.tick_info(i_queue, i_tick) AS t;
    IF NOT FOUND THEN
        SELECT min(t.tick_id), max(t.tick_id) INTO v_first, v_last FROM pgq.tick t WHERE t.tick_queue = v_sub.queue_id;
        -- Older ticks than it needs are kept for a subscriber, unless somebody took its consumer away.
        RETURN CASE WHEN i_tick > v_last THEN 'ahead' WHEN i_tick < v_sub.tick OR i_tick < v_first THEN 'unknown' ELSE 'history' END;
    ELSIF v_known IS DISTINCT FROM i_fingerprint THEN
        RETURN 'history';
    END IF;
    IF i_tick > v_sub.tick THEN
        UPDATE millrace.subscriber s SET tick = i_tick, fingerprint = i_fingerprint, reported_at = now()
        WHERE s.queue = i_queue AND s.name = i_name AND s.tick < i_tick;
        UPDATE pgq.subscription s SET sub_last_tick = i_tick, sub_batch = NULL, sub_next_tick = NULL, sub_active = now()
        FROM pgq.consumer c
        WHERE c.co_name = v_sub.consumer AND s.sub_consumer = c.co_id AND s.sub_queue = v_sub.queue_id AND s.sub_last_tick < i_tick;
    ELSIF v_sub.reported_at IS NULL OR v_sub.reported_at < now() - interval '5 seconds' THEN
        -- A sign of life; not at every report, it costs a row version.
        UPDATE millrace.subscriber s SET reported_at = now() WHERE s.queue = i_queue AND s.name = i_name;
    END IF;
    RETURN 'ok';
END $$;

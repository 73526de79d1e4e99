-- pgq.register_consumer_at(queue, consumer, tick)
-- Purpose:    registers a consumer, or moves one. Safe when several sessions register the same name.
-- Parameters: x_tick_pos - where it stands; NULL: at the newest tick (new) or where it is (known).
-- Returns:    1 new, 0 was there. Errors: Event queue not created yet; cannot reposition, tick not found: N;
--             No ticks for this queue.  Please run ticker on database.
-- Tables:     pgq.queue (row locked against rotation), pgq.tick (read), pgq.consumer, pgq.subscription (write).
CREATE OR REPLACE FUNCTION pgq.register_consumer_at(x_queue_name text, x_consumer_name text, x_tick_pos bigint) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_queue    integer;
    v_consumer integer;
    v_tick     bigint := x_tick_pos;
    v_new      integer;
BEGIN
    -- FOR SHARE keeps rotation away until this is committed: it could empty a table that the new position needs.
    SELECT q.queue_id INTO v_queue FROM pgq.queue q WHERE q.queue_name = x_queue_name FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'Event queue not created yet';
    END IF;
    PERFORM millrace.refuse_outsider(x_queue_name);
    IF v_tick IS NULL THEN
        SELECT max(t.tick_id) INTO v_tick FROM pgq.tick t WHERE t.tick_queue = v_queue;
        IF v_tick IS NULL THEN
            RAISE EXCEPTION 'No ticks for this queue.  Please run ticker on database.';
        END IF;
    ELSIF NOT EXISTS (SELECT FROM pgq.tick t WHERE t.tick_queue = v_queue AND t.tick_id = v_tick) THEN
        RAISE EXCEPTION 'cannot reposition, tick not found: %', v_tick;
    END IF;

    INSERT INTO pgq.consumer AS c (co_name) VALUES (x_consumer_name)
    ON CONFLICT (co_name) DO UPDATE SET co_name = excluded.co_name
    RETURNING c.co_id INTO v_consumer;
    INSERT INTO pgq.subscription (sub_queue, sub_consumer, sub_last_tick) VALUES (v_queue, v_consumer, v_tick)
    ON CONFLICT (sub_queue, sub_consumer) DO NOTHING;
    GET DIAGNOSTICS v_new = ROW_COUNT;
    IF v_new = 0 AND x_tick_pos IS NOT NULL THEN
        UPDATE pgq.subscription s
        SET sub_last_tick = x_tick_pos, sub_batch = NULL, sub_next_tick = NULL, sub_active = now()
        WHERE s.sub_queue = v_queue AND s.sub_consumer = v_consumer;
    END IF;
    RETURN v_new;
END $$;

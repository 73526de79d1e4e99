-- millrace.register_subscriber(queue, name)
-- Purpose:    makes a tick and registers a subscriber at it: the queue keeps everything after it for this subscriber.
--             Safe when several sessions register the same one: all get the same answer.
-- Returns:    where the provider's record of it stands: the new tick, or the record of one that was there.
-- Errors:     no such set (MR001); a subscriber needs a name (22023); as millrace.tick.
-- Tables:     millrace.subscriber (insert); as make_tick, pgq.register_consumer_at.
CREATE OR REPLACE FUNCTION millrace.register_subscriber(IN i_queue text, IN i_name text, OUT tick bigint, OUT fingerprint text)
RETURNS SETOF record ROWS 1
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_tick record;
BEGIN
    IF coalesce(i_name, '') = '' THEN
        RAISE EXCEPTION 'a subscriber needs a name' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF NOT EXISTS (SELECT FROM millrace.set s WHERE s.queue = i_queue) THEN
        RAISE EXCEPTION 'no such set: %', coalesce(i_queue, 'NULL') USING ERRCODE = 'MR001';
    END IF;
    -- The tick lock makes registrations of one queue take turns; each sees what the one before it committed.
    PERFORM millrace.lock_ticks(i_queue);
    IF NOT EXISTS (SELECT FROM millrace.subscriber s WHERE s.queue = i_queue AND s.name = i_name) THEN
        -- Before the snapshot: from here on no rotation, so nothing after the tick can be emptied.
        PERFORM FROM pgq.queue q WHERE q.queue_name = i_queue FOR SHARE;
        SELECT * INTO v_tick FROM millrace.make_tick(i_queue, NULL, true);
        PERFORM pgq.register_consumer_at(i_queue, 'millrace.' || i_name, v_tick.tick);
        INSERT INTO millrace.subscriber (queue, name, consumer, tick, fingerprint)
        VALUES (i_queue, i_name, 'millrace.' || i_name, v_tick.tick, v_tick.fingerprint);
        PERFORM millrace.note(i_queue, 'register subscriber', jsonb_build_object('name', i_name, 'tick', v_tick.tick));
    END IF;
    RETURN QUERY SELECT s.tick, s.fingerprint FROM millrace.subscriber s WHERE s.queue = i_queue AND s.name = i_name;
END $$;

-- millrace.create_set(queue)
-- Purpose:    makes a set of replicated tables and its queue, or leaves an existing one unchanged. The queue's own
--             ticking rule is "any event, immediately": how often to check is the ticker service's policy.
-- Parameters: i_queue - the set's name.
-- Returns:    true made, false was there. Errors: the set's name is empty (22023).
-- Tables:     millrace.set (insert); as pgq.create_queue.
CREATE OR REPLACE FUNCTION millrace.create_set(i_queue text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF coalesce(i_queue, '') = '' THEN
        RAISE EXCEPTION 'the set needs a name' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM millrace.lock_row('sets', 'making a set');
    IF EXISTS (SELECT FROM millrace.set s WHERE s.queue = i_queue) THEN
        RETURN false;
    END IF;
    IF pgq.create_queue(i_queue) = 1 THEN
        UPDATE pgq.queue q
        SET queue_ticker_max_count = 1, queue_ticker_max_lag = '0', queue_ticker_idle_period = '10 seconds',
            queue_rotation_period = '10 minutes'
        WHERE q.queue_name = i_queue;
    END IF;
    INSERT INTO millrace.set (queue, queue_id, system_identifier)
    SELECT i_queue, q.queue_id, millrace.system_identifier() FROM pgq.queue q WHERE q.queue_name = i_queue;
    PERFORM millrace.close_queue(i_queue);
    PERFORM millrace.make_probe(s.queue_id) FROM millrace.set s WHERE s.queue = i_queue;
    PERFORM millrace.note(i_queue, 'create set', '{}');
    RETURN true;
END $$;

-- millrace.unregister_subscriber(queue, name)
-- Purpose:    forgets a subscriber: the queue keeps nothing for it any more, copies requested for it alone are cancelled.
-- Returns:    true forgotten, false was not there.
-- Tables:     millrace.subscriber, millrace.copy_request (write); as pgq.unregister_consumer.
CREATE OR REPLACE FUNCTION millrace.unregister_subscriber(i_queue text, i_name text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_consumer text;
BEGIN
    DELETE FROM millrace.subscriber s WHERE s.queue = i_queue AND s.name = i_name RETURNING s.consumer INTO v_consumer;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM pgq.unregister_consumer(i_queue, v_consumer);
    UPDATE millrace.copy_request r
    SET subscribers = array_remove(r.subscribers, i_name), changed_at = now(),
        state = CASE WHEN array_remove(r.subscribers, i_name) = '{}' THEN 'cancelled' ELSE r.state END
    WHERE r.queue = i_queue AND r.state IN ('wanted', 'copying') AND i_name = ANY (r.subscribers);
    PERFORM millrace.note(i_queue, 'unregister subscriber', jsonb_build_object('name', i_name));
    RETURN true;
END $$;

-- pgq.unregister_consumer(queue, consumer)
-- Purpose:    ends a subscription, with its events to be retried. A main consumer takes its subconsumers with it; a
--             subconsumer (others share its sub_id, and its tick fields are both NULL or both set) goes alone.
--             A consumer without any other subscription is forgotten.
-- Returns:    subscriptions removed, 0 if none.
-- Tables:     pgq.subscription, pgq.retry_queue, pgq.consumer (delete).
CREATE OR REPLACE FUNCTION pgq.unregister_consumer(x_queue_name text, x_consumer_name text) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_sub     record;
    v_shared  boolean;
    v_gone    integer[];
BEGIN
    PERFORM millrace.refuse_outsider(x_queue_name);
    SELECT s.sub_id, s.sub_queue, s.sub_consumer, s.sub_last_tick, s.sub_next_tick INTO v_sub
    FROM pgq.subscription s
    JOIN pgq.queue q ON q.queue_id = s.sub_queue
    JOIN pgq.consumer c ON c.co_id = s.sub_consumer
    WHERE q.queue_name = x_queue_name AND c.co_name = x_consumer_name
    FOR UPDATE OF s;
    IF NOT FOUND THEN
        RETURN 0;
    END IF;
    SELECT count(*) > 1 INTO v_shared FROM pgq.subscription s WHERE s.sub_queue = v_sub.sub_queue AND s.sub_id = v_sub.sub_id;
    IF v_shared AND (v_sub.sub_last_tick IS NULL) = (v_sub.sub_next_tick IS NULL) THEN
        v_gone := ARRAY[v_sub.sub_consumer];
    ELSE
        SELECT array_agg(s.sub_consumer) INTO v_gone FROM pgq.subscription s
        WHERE s.sub_queue = v_sub.sub_queue AND s.sub_id = v_sub.sub_id;
        DELETE FROM pgq.retry_queue r WHERE r.ev_owner = v_sub.sub_id;
    END IF;
    DELETE FROM pgq.subscription s WHERE s.sub_queue = v_sub.sub_queue AND s.sub_consumer = ANY (v_gone);
    DELETE FROM pgq.consumer c
    WHERE c.co_id = ANY (v_gone) AND NOT EXISTS (SELECT FROM pgq.subscription s WHERE s.sub_consumer = c.co_id);
    RETURN cardinality(v_gone);
END $$;

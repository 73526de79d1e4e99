-- pgq_coop.unregister_subconsumer(queue, consumer, subconsumer, batch_handling)
-- Purpose:    ends a subconsumer.
-- Parameters: i_batch_handling - 0: refuse while it has a batch open; 1: let the batch go, its events are lost.
-- Returns:    1, or 0 when there was none. Errors: subconsumer has active batch.
-- Tables:     pgq.subscription, pgq.consumer (delete).
CREATE OR REPLACE FUNCTION pgq_coop.unregister_subconsumer(
    i_queue_name text, i_consumer_name text, i_subconsumer_name text, i_batch_handling integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_sub record;
BEGIN
    PERFORM millrace.refuse_outsider(i_queue_name);
    SELECT s.sub_queue, s.sub_consumer, s.sub_batch INTO v_sub
    FROM pgq.subscription s
    JOIN pgq.queue q ON q.queue_id = s.sub_queue
    JOIN pgq.consumer c ON c.co_id = s.sub_consumer
    WHERE q.queue_name = i_queue_name AND c.co_name = i_consumer_name || '.' || i_subconsumer_name
    FOR UPDATE OF s;
    IF NOT FOUND THEN
        RETURN 0;
    ELSIF v_sub.sub_batch IS NOT NULL AND i_batch_handling IS DISTINCT FROM 1 THEN
        RAISE EXCEPTION 'subconsumer has active batch';
    END IF;
    DELETE FROM pgq.subscription s WHERE s.sub_queue = v_sub.sub_queue AND s.sub_consumer = v_sub.sub_consumer;
    DELETE FROM pgq.consumer c
    WHERE c.co_id = v_sub.sub_consumer AND NOT EXISTS (SELECT FROM pgq.subscription s WHERE s.sub_consumer = c.co_id);
    RETURN 1;
END $$;

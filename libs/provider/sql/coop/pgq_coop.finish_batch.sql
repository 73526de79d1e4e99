-- pgq_coop.finish_batch(batch)
-- Purpose:    closes a subconsumer's batch. One of a consumer itself is pgq.finish_batch's to close.
-- Returns:    1, or 0 with a warning when no subconsumer has it open (finished before, or taken over).
-- Tables:     pgq.subscription (update).
CREATE OR REPLACE FUNCTION pgq_coop.finish_batch(i_batch_id bigint) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM millrace.refuse_outsider(q.queue_name) FROM pgq.subscription s JOIN pgq.queue q ON q.queue_id = s.sub_queue WHERE s.sub_batch = i_batch_id;
    UPDATE pgq.subscription s
    SET sub_active = now(), sub_last_tick = NULL, sub_next_tick = NULL, sub_batch = NULL
    FROM pgq.consumer c
    WHERE s.sub_batch = i_batch_id AND c.co_id = s.sub_consumer
      AND EXISTS (SELECT FROM pgq.subscription m JOIN pgq.consumer mc ON mc.co_id = m.sub_consumer
                  WHERE m.sub_queue = s.sub_queue AND m.sub_id = s.sub_id AND starts_with(c.co_name, mc.co_name || '.'));
    IF NOT FOUND THEN
        RAISE WARNING 'pgq_coop.finish_batch: batch % not found', i_batch_id;
        RETURN 0;
    END IF;
    RETURN 1;
END $$;

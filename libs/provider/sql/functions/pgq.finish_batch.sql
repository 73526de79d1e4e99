-- pgq.finish_batch(batch)
-- Purpose:    closes a batch: the consumer stands at its last tick.
-- Returns:    1, or 0 with a warning when there is no such open batch (finished before).
-- Tables:     pgq.subscription (update).
CREATE OR REPLACE FUNCTION pgq.finish_batch(x_batch_id bigint) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM millrace.refuse_outsider(q.queue_name) FROM pgq.subscription s JOIN pgq.queue q ON q.queue_id = s.sub_queue WHERE s.sub_batch = x_batch_id;
    UPDATE pgq.subscription s
    SET sub_active = now(), sub_last_tick = s.sub_next_tick, sub_next_tick = NULL, sub_batch = NULL
    WHERE s.sub_batch = x_batch_id;
    IF NOT FOUND THEN
        RAISE WARNING 'finish_batch: batch % not found', x_batch_id;
        RETURN 0;
    END IF;
    RETURN 1;
END $$;

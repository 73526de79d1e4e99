-- pgq.next_batch(queue, consumer)
-- Purpose:    as next_batch_info, giving only the batch's id.
-- Returns:    batch id, or NULL when there is nothing.
-- Tables:     as next_batch_custom.
CREATE OR REPLACE FUNCTION pgq.next_batch(i_queue_name text, i_consumer_name text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT b.batch_id FROM pgq.next_batch_custom(i_queue_name, i_consumer_name, NULL, NULL, NULL) AS b);
END $$;

-- pgq_coop.next_batch(queue, consumer, subconsumer, dead_interval)
-- Purpose:    as next_batch_custom, up to the next tick.
-- Returns:    batch id, or NULL when there is nothing.
-- Tables:     as next_batch_custom.
CREATE OR REPLACE FUNCTION pgq_coop.next_batch(i_queue_name text, i_consumer_name text, i_subconsumer_name text, i_dead_interval interval)
RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN pgq_coop.next_batch_custom(i_queue_name, i_consumer_name, i_subconsumer_name, NULL, NULL, NULL, i_dead_interval);
END $$;

-- pgq_coop.next_batch(queue, consumer, subconsumer): the same without taking over.
CREATE OR REPLACE FUNCTION pgq_coop.next_batch(i_queue_name text, i_consumer_name text, i_subconsumer_name text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN pgq_coop.next_batch_custom(i_queue_name, i_consumer_name, i_subconsumer_name, NULL, NULL, NULL, NULL);
END $$;

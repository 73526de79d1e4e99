-- pgq.register_consumer(queue, consumer)
-- Purpose:    registers a consumer at the newest tick: it gets later events only.
-- Parameters: x_consumer_id - the consumer's name.
-- Returns:    1 new, 0 was there. Errors as register_consumer_at.
-- Tables:     as register_consumer_at.
CREATE OR REPLACE FUNCTION pgq.register_consumer(x_queue_name text, x_consumer_id text) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN pgq.register_consumer_at(x_queue_name, x_consumer_id, NULL);
END $$;

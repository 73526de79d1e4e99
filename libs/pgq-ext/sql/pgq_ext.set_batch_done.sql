-- pgq_ext.set_batch_done(consumer, subconsumer, batch)
-- Purpose:    notes that a consumer has applied a batch here. Two sessions that do the same: the second waits and returns false.
-- Returns:    true, false when it was done already.
-- Tables:     pgq_ext.completed_batch (write).
CREATE FUNCTION pgq_ext.set_batch_done(a_consumer text, a_subconsumer text, a_batch_id bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO pgq_ext.completed_batch AS b (consumer_id, subconsumer_id, last_batch_id) VALUES (a_consumer, a_subconsumer, a_batch_id)
    ON CONFLICT (consumer_id, subconsumer_id) DO UPDATE SET last_batch_id = excluded.last_batch_id
    WHERE b.last_batch_id <> excluded.last_batch_id;
    RETURN FOUND;
END $$;

-- pgq_ext.set_batch_done(consumer, batch): of a consumer without subconsumers.
CREATE FUNCTION pgq_ext.set_batch_done(a_consumer text, a_batch_id bigint) RETURNS boolean LANGUAGE sql
RETURN pgq_ext.set_batch_done(a_consumer, '', a_batch_id);

-- pgq_ext.is_batch_done(consumer, subconsumer, batch)
-- Purpose:    whether this was the last batch that a consumer has applied here.
-- Returns:    boolean.
-- Tables:     pgq_ext.completed_batch (read).
CREATE FUNCTION pgq_ext.is_batch_done(a_consumer text, a_subconsumer text, a_batch_id bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN EXISTS (SELECT FROM pgq_ext.completed_batch b
                   WHERE b.consumer_id = a_consumer AND b.subconsumer_id = a_subconsumer AND b.last_batch_id = a_batch_id);
END $$;

-- pgq_ext.is_batch_done(consumer, batch): of a consumer without subconsumers.
CREATE FUNCTION pgq_ext.is_batch_done(a_consumer text, a_batch_id bigint) RETURNS boolean LANGUAGE sql
RETURN pgq_ext.is_batch_done(a_consumer, '', a_batch_id);

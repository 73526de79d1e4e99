-- pgq_ext.is_event_done(consumer, subconsumer, batch, event)
-- Purpose:    whether a consumer has applied an event of its batch here.
-- Returns:    boolean.
-- Tables:     pgq_ext.completed_event (read).
CREATE FUNCTION pgq_ext.is_event_done(a_consumer text, a_subconsumer text, a_batch_id bigint, a_event_id bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN EXISTS (SELECT FROM pgq_ext.completed_event e WHERE e.consumer_id = a_consumer AND e.subconsumer_id = a_subconsumer
                   AND e.batch_id = a_batch_id AND e.event_id = a_event_id);
END $$;

-- pgq_ext.is_event_done(consumer, batch, event): of a consumer without subconsumers.
CREATE FUNCTION pgq_ext.is_event_done(a_consumer text, a_batch_id bigint, a_event_id bigint) RETURNS boolean LANGUAGE sql
RETURN pgq_ext.is_event_done(a_consumer, '', a_batch_id, a_event_id);

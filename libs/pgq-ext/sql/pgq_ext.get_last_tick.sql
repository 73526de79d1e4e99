-- pgq_ext.get_last_tick(consumer, subconsumer)
-- Purpose:    the last tick that a consumer has applied here.
-- Returns:    tick id, NULL when none.
-- Tables:     pgq_ext.completed_tick (read).
CREATE FUNCTION pgq_ext.get_last_tick(a_consumer text, a_subconsumer text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT t.last_tick_id FROM pgq_ext.completed_tick t WHERE t.consumer_id = a_consumer AND t.subconsumer_id = a_subconsumer);
END $$;

-- pgq_ext.get_last_tick(consumer): of a consumer without subconsumers.
CREATE FUNCTION pgq_ext.get_last_tick(a_consumer text) RETURNS bigint LANGUAGE sql
RETURN pgq_ext.get_last_tick(a_consumer, '');

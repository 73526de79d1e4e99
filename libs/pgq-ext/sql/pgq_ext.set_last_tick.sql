-- pgq_ext.set_last_tick(consumer, subconsumer, tick)
-- Purpose:    notes the last tick that a consumer has applied here.
-- Parameters: a_tick_id - NULL: forget the consumer.
-- Returns:    1.
-- Tables:     pgq_ext.completed_tick (write).
CREATE FUNCTION pgq_ext.set_last_tick(a_consumer text, a_subconsumer text, a_tick_id bigint) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF a_tick_id IS NULL THEN
        DELETE FROM pgq_ext.completed_tick t WHERE t.consumer_id = a_consumer AND t.subconsumer_id = a_subconsumer;
    ELSE
        INSERT INTO pgq_ext.completed_tick (consumer_id, subconsumer_id, last_tick_id) VALUES (a_consumer, a_subconsumer, a_tick_id)
        ON CONFLICT (consumer_id, subconsumer_id) DO UPDATE SET last_tick_id = excluded.last_tick_id;
    END IF;
    RETURN 1;
END $$;

-- pgq_ext.set_last_tick(consumer, tick): of a consumer without subconsumers.
CREATE FUNCTION pgq_ext.set_last_tick(a_consumer text, a_tick_id bigint) RETURNS integer LANGUAGE sql
RETURN pgq_ext.set_last_tick(a_consumer, '', a_tick_id);

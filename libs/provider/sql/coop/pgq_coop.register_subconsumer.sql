-- pgq_coop.register_subconsumer(queue, consumer, subconsumer)
-- Purpose:    registers one of several that share a consumer's stream, each taking whole batches; the consumer too, where
--             it is new. Safe when several sessions register the same name. It is a consumer named consumer.subconsumer
--             with the consumer's subscription id.
-- Returns:    1 new, 0 was there. Errors as pgq.register_consumer.
-- Tables:     pgq.consumer, pgq.subscription (write).
CREATE OR REPLACE FUNCTION pgq_coop.register_subconsumer(i_queue_name text, i_consumer_name text, i_subconsumer_name text) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_main     record;
    v_consumer integer;
    v_new      integer;
BEGIN
    PERFORM pgq.register_consumer(i_queue_name, i_consumer_name);
    SELECT s.sub_queue, s.sub_id INTO v_main
    FROM pgq.subscription s JOIN pgq.queue q ON q.queue_id = s.sub_queue JOIN pgq.consumer c ON c.co_id = s.sub_consumer
    WHERE q.queue_name = i_queue_name AND c.co_name = i_consumer_name;
    INSERT INTO pgq.consumer AS c (co_name) VALUES (i_consumer_name || '.' || i_subconsumer_name)
    ON CONFLICT (co_name) DO UPDATE SET co_name = excluded.co_name
    RETURNING c.co_id INTO v_consumer;
    INSERT INTO pgq.subscription (sub_id, sub_queue, sub_consumer, sub_last_tick, sub_next_tick)
    VALUES (v_main.sub_id, v_main.sub_queue, v_consumer, NULL, NULL)
    ON CONFLICT (sub_queue, sub_consumer) DO NOTHING;
    GET DIAGNOSTICS v_new = ROW_COUNT;
    RETURN v_new;
END $$;

-- pgq_coop.next_batch_custom(queue, consumer, subconsumer, min_lag, min_count, min_interval, dead_interval)
-- Purpose:    gives a subconsumer its open batch again, or one of a subconsumer that has been inactive for long, or the
--             consumer's next, at which the consumer moves on immediately. Registers whoever is missing.
--             The consumer's row is locked first: subconsumers of one consumer come one after another.
-- Parameters: i_dead_interval - how long another may be inactive before its batch is taken over, under a new number: when it
--             comes back its own number is not found. NULL: never. The rest as pgq.next_batch_custom.
-- Returns:    batch id, or NULL when there is nothing (yet).
-- Errors:     main consumer has batch open?; as pgq.next_batch_custom.
-- Tables:     pgq.subscription (write), as pgq.next_batch_custom.
CREATE OR REPLACE FUNCTION pgq_coop.next_batch_custom(
    i_queue_name text, i_consumer_name text, i_subconsumer_name text, i_min_lag interval, i_min_count integer,
    i_min_interval interval, i_dead_interval interval) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_main  record;
    v_self  record;
    v_dead  record;
    v_next  record;
BEGIN
    PERFORM pgq_coop.register_subconsumer(i_queue_name, i_consumer_name, i_subconsumer_name);
    SELECT s.sub_queue, s.sub_id, s.sub_consumer, s.sub_batch INTO v_main
    FROM pgq.subscription s JOIN pgq.queue q ON q.queue_id = s.sub_queue JOIN pgq.consumer c ON c.co_id = s.sub_consumer
    WHERE q.queue_name = i_queue_name AND c.co_name = i_consumer_name
    FOR UPDATE OF s;
    SELECT s.sub_consumer, s.sub_batch INTO v_self
    FROM pgq.subscription s JOIN pgq.consumer c ON c.co_id = s.sub_consumer
    WHERE s.sub_queue = v_main.sub_queue AND c.co_name = i_consumer_name || '.' || i_subconsumer_name
    FOR UPDATE OF s;
    IF v_main.sub_batch IS NOT NULL THEN
        RAISE EXCEPTION 'main consumer has batch open?';
    ELSIF v_self.sub_batch IS NOT NULL THEN
        UPDATE pgq.subscription s SET sub_active = now()
        WHERE s.sub_queue = v_main.sub_queue AND s.sub_consumer = v_self.sub_consumer;
        RETURN v_self.sub_batch;
    END IF;

    SELECT s.sub_consumer, s.sub_last_tick AS prev, s.sub_next_tick AS cur INTO v_dead
    FROM pgq.subscription s
    WHERE s.sub_queue = v_main.sub_queue AND s.sub_id = v_main.sub_id AND s.sub_batch IS NOT NULL
      AND s.sub_consumer NOT IN (v_main.sub_consumer, v_self.sub_consumer) AND s.sub_active < now() - i_dead_interval
    ORDER BY s.sub_active LIMIT 1
    FOR UPDATE SKIP LOCKED;
    IF FOUND THEN
        DELETE FROM pgq.subscription s WHERE s.sub_queue = v_main.sub_queue AND s.sub_consumer = v_dead.sub_consumer;
        DELETE FROM pgq.consumer c
        WHERE c.co_id = v_dead.sub_consumer AND NOT EXISTS (SELECT FROM pgq.subscription s WHERE s.sub_consumer = c.co_id);
        UPDATE pgq.subscription s
        SET sub_batch = nextval('pgq.batch_id_seq'), sub_last_tick = v_dead.prev, sub_next_tick = v_dead.cur, sub_active = now()
        WHERE s.sub_queue = v_main.sub_queue AND s.sub_consumer = v_self.sub_consumer
        RETURNING s.sub_batch INTO v_self.sub_batch;
        RETURN v_self.sub_batch;
    END IF;

    SELECT * INTO v_next FROM pgq.next_batch_custom(i_queue_name, i_consumer_name, i_min_lag, i_min_count, i_min_interval) AS b;
    IF v_next.batch_id IS NULL THEN
        RETURN NULL;
    END IF;
    PERFORM pgq.finish_batch(v_next.batch_id);
    UPDATE pgq.subscription s
    SET sub_batch = v_next.batch_id, sub_last_tick = v_next.prev_tick_id, sub_next_tick = v_next.cur_tick_id, sub_active = now()
    WHERE s.sub_queue = v_main.sub_queue AND s.sub_consumer = v_self.sub_consumer;
    RETURN v_next.batch_id;
END $$;

-- pgq_coop.next_batch_custom(queue, consumer, subconsumer, min_lag, min_count, min_interval): the same without taking over.
CREATE OR REPLACE FUNCTION pgq_coop.next_batch_custom(
    i_queue_name text, i_consumer_name text, i_subconsumer_name text, i_min_lag interval, i_min_count integer, i_min_interval interval)
RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN pgq_coop.next_batch_custom(i_queue_name, i_consumer_name, i_subconsumer_name, i_min_lag, i_min_count, i_min_interval, NULL);
END $$;

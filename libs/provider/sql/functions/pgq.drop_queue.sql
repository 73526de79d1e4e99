-- pgq.drop_queue(queue, force)
-- Purpose:    removes a queue with its events, ticks and sequences.
-- Parameters: x_queue_name - the queue; x_force - also when consumers are attached (they are unregistered).
-- Returns:    1. Errors: No such event queue; cannot drop queue, consumers still attached.
-- Tables:     pgq.queue, pgq.tick, pgq.subscription, pgq.retry_queue, millrace.row_lock (delete), the event tables (drop).
CREATE OR REPLACE FUNCTION pgq.drop_queue(x_queue_name text, x_force boolean) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_queue record;
    v_name  text;
BEGIN
    PERFORM millrace.lock_row('queues', 'making or dropping a queue');  -- before any row: see pgq.write_insert
    SELECT * INTO v_queue FROM pgq.queue q WHERE q.queue_name = x_queue_name FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'No such event queue';
    END IF;
    PERFORM millrace.refuse_outsider(x_queue_name);
    IF NOT x_force AND EXISTS (SELECT FROM pgq.subscription s WHERE s.sub_queue = v_queue.queue_id) THEN
        RAISE EXCEPTION 'cannot drop queue, consumers still attached';
    END IF;
    FOR v_name IN
        SELECT c.co_name FROM pgq.subscription s JOIN pgq.consumer c ON c.co_id = s.sub_consumer
        WHERE s.sub_queue = v_queue.queue_id
    LOOP
        PERFORM pgq.unregister_consumer(x_queue_name, v_name);
    END LOOP;
    FOR n IN 0 .. v_queue.queue_ntables - 1 LOOP
        EXECUTE 'DROP TABLE ' || pgq.quote_fqname(v_queue.queue_data_pfx || '_' || n);
    END LOOP;
    EXECUTE 'DROP TABLE ' || pgq.quote_fqname(v_queue.queue_data_pfx);
    DELETE FROM pgq.retry_queue r WHERE r.ev_queue = v_queue.queue_id;
    DELETE FROM pgq.tick t WHERE t.tick_queue = v_queue.queue_id;
    DELETE FROM millrace.row_lock l WHERE l.name = 'ticks:' || v_queue.queue_id;
    DELETE FROM pgq.queue q WHERE q.queue_id = v_queue.queue_id;
    EXECUTE 'DROP SEQUENCE ' || pgq.quote_fqname(v_queue.queue_tick_seq);
    EXECUTE 'DROP SEQUENCE ' || pgq.quote_fqname(v_queue.queue_event_seq);
    PERFORM pgq.write_insert();
    RETURN 1;
END $$;

-- pgq.drop_queue(queue): the same, refusing while consumers are attached.
CREATE OR REPLACE FUNCTION pgq.drop_queue(x_queue_name text) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN pgq.drop_queue(x_queue_name, false);
END $$;

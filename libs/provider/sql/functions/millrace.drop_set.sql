-- millrace.drop_set(queue)
-- Purpose:    removes a set: its tables' triggers, subscribers, copy requests, and its queue with all events.
-- Returns:    true removed, false was not there.
-- Tables:     all of schema millrace for this queue (delete); as millrace.remove_table, pgq.drop_queue.
CREATE OR REPLACE FUNCTION millrace.drop_set(i_queue text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_id    integer;
    v_table record;
BEGIN
    SELECT s.queue_id INTO v_id FROM millrace.set s WHERE s.queue = i_queue FOR UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    FOR v_table IN SELECT t.schema_name, t.table_name FROM millrace.set_table t WHERE t.queue = i_queue LOOP
        PERFORM millrace.remove_table(i_queue, v_table.schema_name, v_table.table_name);
    END LOOP;
    DELETE FROM millrace.set_table t WHERE t.queue = i_queue;
    DELETE FROM millrace.set_sequence s WHERE s.queue = i_queue;
    DELETE FROM millrace.copy_request r WHERE r.queue = i_queue;
    DELETE FROM millrace.subscriber s WHERE s.queue = i_queue;
    DELETE FROM millrace.service_report r WHERE r.queue = i_queue;
    DELETE FROM millrace.set s WHERE s.queue = i_queue;
    EXECUTE format('DROP FUNCTION IF EXISTS millrace.unread_%s(bigint, bigint[])', v_id);
    -- A rotation makes it again, also in a set without tables.
    EXECUTE format('DROP FUNCTION IF EXISTS millrace.%I()', 'current_table_' || v_id);
    IF EXISTS (SELECT FROM pgq.queue q WHERE q.queue_name = i_queue) THEN
        PERFORM pgq.drop_queue(i_queue, true);
    END IF;
    PERFORM millrace.note(i_queue, 'drop set', '{}');
    RETURN true;
END $$;

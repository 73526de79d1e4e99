-- millrace.publish_sequences(queue)
-- Purpose:    puts the values of the set's sequences that moved since the last time into the queue: one event S. A
--             sequence's value is read without regard to transactions: it may be ahead of what is committed.
--             A sequence that was dropped and made again is followed again under its name.
-- Returns:    number of sequences in the event; 0: none moved, no event.
-- Tables:     millrace.set_sequence (update), the sequences (read), the event table (insert).
CREATE OR REPLACE FUNCTION millrace.publish_sequences(i_queue text) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_seq    record;
    v_relid  oid;
    v_value  bigint;
    v_called boolean;
    v_moved  jsonb := '[]';
BEGIN
    FOR v_seq IN SELECT * FROM millrace.set_sequence s WHERE s.queue = i_queue ORDER BY s.schema_name, s.sequence_name LOOP
        SELECT c.oid INTO v_relid FROM pg_class c WHERE c.oid = v_seq.relid AND c.relkind = 'S';
        IF NOT FOUND THEN
            SELECT c.oid INTO v_relid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = v_seq.schema_name AND c.relname = v_seq.sequence_name AND c.relkind = 'S';
            CONTINUE WHEN NOT FOUND;
        END IF;
        EXECUTE 'SELECT last_value, is_called FROM ' || v_relid::regclass INTO v_value, v_called;
        CONTINUE WHEN v_relid = v_seq.relid AND v_value IS NOT DISTINCT FROM v_seq.last_value
                      AND v_called IS NOT DISTINCT FROM v_seq.is_called;
        UPDATE millrace.set_sequence s SET relid = v_relid, last_value = v_value, is_called = v_called
        WHERE s.queue = i_queue AND s.schema_name = v_seq.schema_name AND s.sequence_name = v_seq.sequence_name;
        v_moved := v_moved || jsonb_build_object('schema', v_seq.schema_name, 'name', v_seq.sequence_name,
                                                 'last_value', v_value::text, 'is_called', v_called);
    END LOOP;
    IF v_moved <> '[]' THEN
        PERFORM pgq.insert_event(i_queue, 'S', v_moved::text);
    END IF;
    RETURN jsonb_array_length(v_moved);
END $$;

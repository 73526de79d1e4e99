-- millrace.publish_sequences(queue, thorough)
-- Purpose:    puts the values of the set's sequences that moved since the last time into the queue: one event S. A
--             sequence's value is read without regard to transactions: it may be ahead of what is committed.
--             A sequence that was dropped and made again is followed again under its name. Does not wait for one that
--             somebody alters: then all of them wait for a later tick. One that was dropped or that the caller may not
--             read is left out, and delays no other; the doctor reports it.
-- Parameters: i_thorough - read also those that were not used when last seen and are not used now: only a read of the
--             sequence itself shows whether setval(..., false) has moved one.
-- Returns:    number of sequences in the event; 0: none moved, no event.
-- Tables:     millrace.set_sequence (update), the sequences (read), the event table (insert).
CREATE OR REPLACE FUNCTION millrace.publish_sequences(i_queue text, i_thorough boolean) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET lock_timeout = '20ms' AS $$
DECLARE
    v_seq    record;
    v_relid  oid;
    v_value  bigint;
    v_called boolean;
    v_moved  jsonb := '[]';
    v_table  text;
BEGIN
    FOR v_seq IN
        SELECT s.*, c.oid IS NOT NULL AS lives
        FROM millrace.set_sequence s LEFT JOIN pg_class c ON c.oid = s.relid AND c.relkind = 'S'
        WHERE s.queue = i_queue AND CASE
            WHEN c.oid IS NULL THEN true
            WHEN NOT has_sequence_privilege(c.oid, 'SELECT') THEN false
            WHEN s.is_called IS NULL THEN true
            WHEN s.is_called THEN pg_sequence_last_value(c.oid) IS DISTINCT FROM s.last_value
            ELSE i_thorough OR pg_sequence_last_value(c.oid) IS NOT NULL
        END
        ORDER BY s.schema_name, s.sequence_name
    LOOP
        v_relid := v_seq.relid;
        IF NOT v_seq.lives THEN
            SELECT c.oid INTO v_relid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = v_seq.schema_name AND c.relname = v_seq.sequence_name AND c.relkind = 'S';
            CONTINUE WHEN NOT FOUND OR NOT has_sequence_privilege(v_relid, 'SELECT');
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
        SELECT pgq.quote_fqname(q.queue_data_pfx || '_' || q.queue_cur_table) INTO STRICT v_table FROM pgq.queue q WHERE q.queue_name = i_queue;
        EXECUTE 'INSERT INTO ' || v_table || ' (ev_time, ev_type, ev_data) VALUES (now(), ''S'', $1)' USING v_moved::text;
    END IF;
    RETURN jsonb_array_length(v_moved);
EXCEPTION WHEN lock_not_available OR undefined_table OR insufficient_privilege THEN
    RETURN 0;
END $$;

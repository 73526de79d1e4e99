-- millrace.refresh_table(queue, queue_id, root, name, added_at)
-- Purpose:    millrace.refresh_triggers for one table.
-- Parameters: i_queue, i_queue_id - the set; i_root - the registered table; i_name - its registered name, quoted;
--             i_added_at - since when.
-- Returns:    action - what was done, NULL for nothing; problem - what is wrong, NULL for nothing.
-- Errors:     lock_not_available (55P03).
-- Tables:     pg_class, pg_proc, millrace.set_table (read); as millrace.make_capture, millrace.drop_capture, millrace.note_capture.
CREATE OR REPLACE FUNCTION millrace.refresh_table(i_queue text, i_queue_id integer, i_root oid, i_name text, i_added_at timestamptz,
    OUT action text, OUT problem text)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_rel     oid;
    v_done    text[];
    v_actions text[] := '{}';
    v_other   oid := to_regclass(i_name);
    v_wrong   text[] := '{}';
    v_again   text := '; copy the table again';
BEGIN
    IF NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = i_root) THEN
        problem := CASE WHEN v_other IS NULL THEN 'the table was dropped'
            ELSE 'the table was dropped and another one has its name: add the table again' || v_again END;
        RETURN;
    ELSIF v_other IS DISTINCT FROM i_root THEN
        v_wrong := array_append(v_wrong, format('the table is now called %s%s', i_root::regclass,
            CASE WHEN v_other IS NULL THEN '; its changes are still captured under the registered name'
            ELSE ', and another one has its name: remove and add the table' || v_again END));
    END IF;
    -- Partitions that are no longer ours, or no longer there.
    FOR v_rel IN
        SELECT DISTINCT substring(p.proname FROM '^capture_[0-9]+_[0-9]+_([0-9]+)_')::oid FROM pg_proc p
        WHERE p.pronamespace = 'millrace'::regnamespace AND p.proname ~ format('^capture_%s_%s_', i_queue_id, i_root)
        EXCEPT SELECT millrace.capture_tree(i_root)
    LOOP
        v_wrong := array_append(v_wrong, format('partition %s was %s: its rows are gone here without an event%s', v_rel::regclass,
            CASE WHEN EXISTS (SELECT FROM pg_class c WHERE c.oid = v_rel) THEN 'detached' ELSE 'dropped' END, v_again));
        PERFORM millrace.drop_capture(i_queue_id, i_root, v_rel);
        v_actions := array_append(v_actions, format('partition %s removed', v_rel::regclass));
    END LOOP;
    FOR v_rel IN SELECT millrace.capture_tree(i_root) LOOP
        v_done := millrace.make_capture(i_queue, v_rel, i_root);
        CONTINUE WHEN v_done = '{}';
        IF v_done <@ '{function}' THEN
            v_actions := array_append(v_actions, format('code of %s generated again', v_rel::regclass));
        ELSIF 'enabled' = ANY (v_done) OR NOT 'function' = ANY (v_done) THEN
            v_actions := array_append(v_actions, format('triggers of %s restored', v_rel::regclass));
            v_wrong := array_append(v_wrong, format('capture triggers of %s were dropped or disabled: changes may be missing%s', v_rel::regclass, v_again));
        ELSE
            v_actions := array_append(v_actions, format('partition %s added', v_rel::regclass));
            IF millrace.has_older_rows(v_rel) THEN
                v_wrong := array_append(v_wrong, format('partition %s came with rows that made no event%s', v_rel::regclass, v_again));
            END IF;
        END IF;
    END LOOP;
    IF EXISTS (SELECT FROM millrace.set_table t WHERE t.queue = i_queue AND t.relid = i_root AND millrace.was_rewritten(i_root, t.storage)) THEN
        v_wrong := array_append(v_wrong, format('ALTER TABLE rewrote its rows, and what it changed (USING, a default that differs from row to row) made no event: '
            'compare the table, copy it again if it differs, then clear this problem with millrace add %s', i_name));
    END IF;
    PERFORM millrace.note_capture(i_queue, i_root);
    v_wrong := array_append(v_wrong, 'it can no longer be replicated: ' || millrace.capture_refusal(i_root));
    problem := nullif(array_to_string(v_wrong, '; '), '');
    action := nullif(array_to_string(v_actions, ', '), '');
END $$;

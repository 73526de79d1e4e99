-- millrace.capture_values(queue_id, rel, root, op, registered, shape)
-- Purpose:    the values for the template of one capture function: insert, update, delete or truncate.
-- Parameters: i_queue_id; i_rel, i_root - as in millrace.capture_shape; i_op - I, U, D, or T and B (both truncate);
--             i_registered - ev_extra1; i_shape - millrace.capture_shape of now.
-- Returns:    an object; ../README.md says what each value is. The caller adds function and mark.
-- Tables:     pgq.queue (read), as millrace.key_aliases, millrace.capture_current_steps.
CREATE OR REPLACE FUNCTION millrace.capture_values(i_queue_id integer, i_rel oid, i_root oid, i_op text, i_registered text, i_shape text)
RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_pins   text := substring(i_shape FROM 'pins=(.*)');
    v_values jsonb := jsonb_build_object(
        'queue_id', i_queue_id, 'root', i_root, 'registered', i_registered,
        'settings', (SELECT coalesce(jsonb_agg(to_jsonb(s)), '[]') FROM millrace.pinned_settings(v_pins) s));
    v_alias  record;
BEGIN
    IF i_op IN ('T', 'B') THEN
        RETURN v_values;
    END IF;
    SELECT * INTO v_alias FROM millrace.key_aliases(i_rel, i_shape);
    v_values := v_values || jsonb_build_object(
            'rel', i_rel, 'shape', i_shape, 'pins', v_pins, 'flag', format('millrace.captured_%s_%s', i_queue_id, i_root),
            'event_tables', CASE WHEN i_op = 'I' OR v_alias.places IS NOT NULL THEN millrace.event_tables(i_queue_id) ELSE '[]' END)
        || millrace.capture_nested_values(i_rel, i_root, CASE i_op
            WHEN 'I' THEN format('SELECT %s FROM %s', v_alias.new_key, v_alias.news)
            WHEN 'D' THEN format('SELECT %s FROM %s', v_alias.old_key, v_alias.olds)
            ELSE format('SELECT %s FROM %s UNION SELECT %s FROM %s', v_alias.old_key, v_alias.olds, v_alias.new_key, v_alias.news) END,
            v_alias.places IS NOT NULL);
    IF i_op = 'I' THEN
        RETURN v_values || jsonb_build_object('row', millrace.capture_line('I', i_shape, 'n'));
    END IF;
    v_values := v_values || jsonb_build_object('key_has_places', v_alias.places IS NOT NULL);
    IF i_op = 'D' THEN
        RETURN v_values || jsonb_build_object('old_key', v_alias.old_key, 'old_rows', v_alias.olds);
    END IF;
    RETURN v_values || jsonb_build_object(
        'row', millrace.capture_line('U', i_shape, 'n'), 'changed_row', millrace.capture_line('R', i_shape, 'n'),
        'padding', v_alias.padding, 'places', v_alias.places, 'same_key', v_alias.same_key,
        'gone_keys', millrace.capture_gone(v_alias.old_key, v_alias.olds, v_alias.new_key, v_alias.news),
        'passed_keys', millrace.capture_passed(v_alias.width, v_alias.old_key, v_alias.olds, v_alias.new_key, v_alias.news));
END $$;

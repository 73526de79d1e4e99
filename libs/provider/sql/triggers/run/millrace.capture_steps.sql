-- millrace.capture_steps(rel, root, op, nested, pinned, shape, columns, key)
-- Purpose:    how to capture a statement for which the generated code has no kept plans: many rows, or a table altered
--             since, or changes nested in changes of the same partition. Queries are built from the catalogs of this moment
--             and run by the capture function, where the transition tables mr_new and mr_old are.
--             nested: transition rows are older than what is already in the queue, so the rows as they are now are
--             logged for every key touched: first keys that are absent (A), then rows (R). Otherwise as
--             millrace.capture_static. Without a usable key whole rows are logged with an empty key: a subscriber stops
--             then with an error.
-- Parameters: i_rel, i_root, i_op - as in millrace.capture_quick; i_nested; i_pinned - letters the calling function pins;
--             i_shape, i_columns, i_key - millrace.capture_shape, _columns, _key of this moment.
-- Returns:    steps in order: type (ev_type), columns, key (JSON), query (one text column: lines), if_moved (run only when
--             the first step found keys that moved, or only when it did not; NULL: always), saved (settings that were pinned here, for millrace.restore_settings; NULL: none). No step:
--             nothing to log.
-- Tables:     as millrace.table_key. Errors: as millrace.capture_current_steps.
CREATE OR REPLACE FUNCTION millrace.capture_steps(i_rel oid, i_root oid, i_op text, i_nested boolean, i_pinned text,
    i_shape text, i_columns text, i_key text,
    OUT type text, OUT columns text, OUT key text, OUT query text, OUT if_moved boolean, OUT saved text[]) RETURNS SETOF record
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_pins  text := substring(i_shape FROM 'pins=(.*)') || CASE WHEN i_rel <> i_root AND i_nested THEN millrace.capture_pins(i_root) ELSE '' END;
    v_side  text := CASE i_op WHEN 'D' THEN 'mr_old AS o' ELSE 'mr_new AS n' END;
    v_names text[];
    v_old   text;
    v_new   text;
BEGIN
    IF i_shape = 'detached' THEN
        RETURN;
    END IF;
    IF strpos(i_pinned, 'a') = 0 AND translate(v_pins, i_pinned, '') <> '' THEN
        saved := millrace.pin_settings();
    END IF;
    type := i_op;
    columns := i_columns;
    key := i_key;
    query := format('SELECT %s FROM %s', millrace.capture_line(i_op, i_shape, right(v_side, 1)), v_side);
    IF i_key = '[]' OR (i_op = 'I' AND NOT i_nested) THEN
        RETURN NEXT;
        RETURN;
    END IF;
    v_names := ARRAY(SELECT json_array_elements_text(millrace.capture_list(i_key)));
    SELECT string_agg(format('o.%I', c.name), ', ' ORDER BY c.n), string_agg(format('n.%I', c.name), ', ' ORDER BY c.n)
    INTO v_old, v_new FROM unnest(v_names) WITH ORDINALITY AS c(name, n);
    IF i_nested THEN
        RETURN QUERY SELECT 'X', s.columns, i_key, s.query, NULL::boolean, capture_steps.saved
        FROM millrace.capture_current_steps(i_root, CASE i_op
            WHEN 'I' THEN format('SELECT %s FROM mr_new AS n', v_new)
            WHEN 'D' THEN format('SELECT %s FROM mr_old AS o', v_old)
            ELSE format('SELECT %s FROM mr_old AS o UNION SELECT %s FROM mr_new AS n', v_old, v_new) END, false) AS s;
        RETURN;
    END IF;
    type := 'D';
    columns := i_key;
    IF i_op = 'D' THEN
        query := format('SELECT ROW(''D'', %s, NULL)::text FROM mr_old AS o', v_old);
        RETURN NEXT;
        RETURN;
    END IF;
    query := millrace.capture_gone(v_old, 'mr_old AS o', v_new, 'mr_new AS n');
    RETURN NEXT;
    columns := i_columns;
    type := 'U';
    query := format('SELECT %s FROM mr_new AS n', millrace.capture_line('U', i_shape, 'n'));
    if_moved := false;
    RETURN NEXT;
    type := 'X';
    query := format('SELECT %s FROM mr_new AS n', millrace.capture_line('R', i_shape, 'n'));
    if_moved := true;
    RETURN NEXT;
    type := 'D';
    columns := i_key;
    query := millrace.capture_passed(cardinality(v_names), v_old, 'mr_old AS o', v_new, 'mr_new AS n');
    RETURN NEXT;
END $$;

-- millrace.capture_steps(rel, root, op, nested, pinned)
-- Purpose:    how to capture a statement that the generated code has no quick answer for: many rows, a key that moved,
--             a table altered since, or changes nested in changes of the same table. Queries are built from the catalogs
--             of this moment and run by the capture function, where the transition tables mr_new and mr_old are.
--             nested: transition rows are older than what is already in the queue, so the rows as they are now are
--             logged for every key touched: first keys that are absent (A), then rows (R).
--             An update that is not nested logs first the keys that vanished (D), then the rows (U), then keys that a
--             row only passed through (cascades that change a row twice in one statement).
--             Without a usable key whole rows are logged with an empty key: a subscriber then stops and says so.
-- Parameters: i_rel, i_root - as in millrace.capture_shape; i_op - I, U or D; i_nested; i_pinned - letters the calling
--             function pins; when the table now needs more they are set here, and given back by the caller through
--             millrace.restore_settings(saved).
-- Returns:    steps in order: type (ev_type), columns, key (JSON), query (one text column: lines), only_after (run
--             only when an earlier step found something), saved (settings to restore, or NULL). None: nothing to log.
-- Tables:     as millrace.table_key.
CREATE OR REPLACE FUNCTION millrace.capture_steps(i_rel oid, i_root oid, i_op text, i_nested boolean, i_pinned text,
    OUT type text, OUT columns text, OUT key text, OUT query text, OUT only_after boolean, OUT saved text[]) RETURNS SETOF record
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_pins text := millrace.capture_pins(i_rel) || CASE WHEN i_nested THEN millrace.capture_pins(i_root) ELSE '' END;
    v_key  record;
    v_side text := CASE i_op WHEN 'D' THEN 'mr_old' ELSE 'mr_new' END;
    v_list text;
BEGIN
    IF millrace.capture_shape(i_rel, i_root) = 'detached' THEN
        RETURN;
    END IF;
    IF strpos(i_pinned, 'a') = 0 AND translate(v_pins, i_pinned, '') <> '' THEN
        saved := millrace.pin_settings();
    END IF;
    key := millrace.capture_key(i_root);
    only_after := false;
    SELECT * INTO v_key FROM millrace.table_key(i_root);
    IF v_key.names IS NULL THEN
        type := i_op;
        columns := millrace.capture_columns(i_rel);
        query := format('SELECT ROW(%L, n.*, NULL)::text FROM %s AS n', i_op, v_side);
        RETURN NEXT;
        RETURN;
    END IF;
    SELECT string_agg(format('n.%I', k.name), ', ' ORDER BY k.n) INTO v_list FROM unnest(v_key.names) WITH ORDINALITY AS k(name, n);
    IF i_nested THEN
        RETURN QUERY SELECT 'X', s.columns, key, s.query, false, saved
        FROM millrace.capture_current_steps(i_root, CASE i_op
            WHEN 'U' THEN format('SELECT %1$s FROM mr_old AS n UNION SELECT %1$s FROM mr_new AS n', v_list)
            ELSE format('SELECT %s FROM %s AS n', v_list, v_side) END) AS s;
        RETURN;
    END IF;
    IF i_op = 'D' THEN
        type := 'D';
        columns := key;
        query := format('SELECT ROW(''D'', %s, NULL)::text FROM mr_old AS n', v_list);
        RETURN NEXT;
        RETURN;
    END IF;
    IF i_op = 'U' THEN
        type := 'D';
        columns := key;
        query := format('SELECT ROW(''D'', x.*, NULL)::text FROM (SELECT %1$s FROM mr_old AS n EXCEPT SELECT %1$s FROM mr_new AS n) AS x', v_list);
        RETURN NEXT;
    END IF;
    type := i_op;
    columns := millrace.capture_columns(i_rel);
    query := format('SELECT ROW(%L, n.*, NULL)::text FROM mr_new AS n', i_op);
    RETURN NEXT;
    IF i_op = 'U' THEN
        type := 'D';
        columns := key;
        query := format(
            'SELECT ROW(''D'', %1$s, NULL)::text FROM (
                 SELECT %1$s, row_number() OVER () AS "mr~old", NULL AS "mr~new" FROM mr_old AS n
                 UNION ALL SELECT %1$s, NULL, row_number() OVER () FROM mr_new AS n) AS n
             GROUP BY %1$s HAVING max("mr~old") > max("mr~new")', v_list);
        only_after := true;
        RETURN NEXT;
    END IF;
END $$;

-- millrace.capture_quick(queue_id, rel, root, op, registered, shape)
-- Purpose:    the part of a capture function's source that logs a statement of exactly one row which keeps its key: one
--             INSERT ... SELECT per event table. It can neither fail nor lie after any ALTER TABLE: key columns are named by
--             their place (millrace.capture_aliases), compared by their text, and a shape other than the one below is
--             folded to "no row" when the statement is planned.
-- Parameters: i_queue_id; i_rel, i_root - as in millrace.capture_shape; i_op - I, U or D; i_registered - ev_extra1;
--             i_shape - millrace.capture_shape of now.
-- Returns:    ELSIF branches after which FOUND tells whether it was done; NULL when the key cannot be named so.
-- Tables:     pgq.queue (read), as millrace.capture_aliases.
CREATE OR REPLACE FUNCTION millrace.capture_quick(i_queue_id integer, i_rel oid, i_root oid, i_op text, i_registered text, i_shape text)
RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_names   record;
    v_old     text;
    v_new     text;
    v_source  text := 'mr_new AS n';
    v_line    text := millrace.capture_line(i_op, i_shape, 'n');
    v_columns text := format('millrace.capture_columns(%s)', i_rel);
    v_single  text := 'NOT EXISTS (SELECT FROM mr_new OFFSET 1)';
    v_result  text;
BEGIN
    SELECT * INTO v_names FROM millrace.capture_aliases(i_rel, i_shape);
    SELECT string_agg(format('concat(o."mr~%s")', p), ', '), string_agg(format('concat(n."mr~%s")', p), ', ')
    INTO v_old, v_new FROM unnest(v_names.places) AS p;
    IF i_op <> 'I' AND v_names.places IS NULL THEN
        RETURN NULL;
    ELSIF i_op = 'D' THEN
        v_line := format('ROW(''D'', %s, NULL)::text',
            (SELECT string_agg(format('o."mr~%s"', p.place), ', ' ORDER BY p.n) FROM unnest(v_names.places) WITH ORDINALITY AS p(place, n)));
        v_source := v_names.olds;
        v_columns := format('millrace.capture_key(%s)', i_root);
        v_single := 'NOT EXISTS (SELECT FROM mr_old OFFSET 1)';
    ELSIF i_op = 'U' THEN
        v_source := replace(replace(v_names.news, '(SELECT n.*', format('(SELECT %s, n.*', v_line)), 'AS n("', 'AS n("mr~line", "');
        v_line := '"mr~line"';
        -- One old row, and with the same key: two old rows make an array that nothing equals.
        v_single := format(CASE cardinality(v_names.places)
            WHEN 1 THEN 'ARRAY(SELECT %s FROM %s LIMIT 2) = ARRAY[%s]'
            ELSE 'ARRAY(SELECT ARRAY[%s] FROM %s LIMIT 2) = ARRAY[ARRAY[%s]]' END, v_old, v_names.olds, v_new);
    END IF;
    SELECT string_agg(format($source$
    ELSIF millrace.current_table_%s() = %s THEN
        INSERT INTO %s (ev_time, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4)
        SELECT now(), %L, %s, %L, %s, millrace.capture_key(%s), '1'
        FROM %s
        WHERE %s AND millrace.capture_shape(%s, %s) = %L;$source$,
        i_queue_id, t.n, pgq.quote_fqname(q.queue_data_pfx || '_' || t.n),
        i_op, v_line, i_registered, v_columns, i_root, v_source, v_single, i_rel, i_root, i_shape), '' ORDER BY t.n)
    INTO v_result
    FROM pgq.queue q, generate_series(0, q.queue_ntables - 1) AS t(n)
    WHERE q.queue_id = i_queue_id;
    RETURN v_result;
END $$;

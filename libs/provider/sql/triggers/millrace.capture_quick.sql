-- millrace.capture_quick(queue_id, rel, root, op, registered, shape)
-- Purpose:    the part of a capture function's source that logs a statement of exactly one row which keeps its key: one
--             INSERT … SELECT per event table. It can neither fail nor lie after any ALTER TABLE: key columns are named by
--             their place through an alias list (padded, so that it is never too long), compared by their text, and a
--             shape other than the one below is folded to "no row" when the statement is planned.
-- Parameters: i_queue_id; i_rel, i_root - as in millrace.capture_shape; i_op - I, U or D; i_registered - ev_extra1;
--             i_shape - millrace.capture_shape of now.
-- Returns:    PL/pgSQL statements after which FOUND tells whether it was done; NULL when the table has no usable key or
--             too many columns for the alias list.
-- Tables:     pgq.queue (read), as millrace.table_key.
CREATE OR REPLACE FUNCTION millrace.capture_quick(i_queue_id integer, i_rel oid, i_root oid, i_op text, i_registered text, i_shape text)
RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_places  integer[] := string_to_array(substring(i_shape FROM '^key=([0-9,]+);'), ',')::integer[];
    v_last    integer := (SELECT max(p) FROM unnest(v_places) p);
    v_alias   text := (SELECT string_agg(format('"mr~%s"', n), ', ') FROM generate_series(1, v_last) AS n);
    v_pad     text := repeat(', NULL', v_last);
    v_source  text;
    v_line    text := '"mr~line"';
    v_columns text := format('millrace.capture_columns(%s)', i_rel);
    v_where   text := format('millrace.capture_shape(%s, %s) = %L', i_rel, i_root, i_shape);
    v_result  text;
BEGIN
    IF i_op <> 'I' AND (v_places IS NULL OR cardinality(millrace.capture_names(i_rel)) + v_last > 1600) THEN
        RETURN NULL;
    END IF;
    CASE i_op
    WHEN 'I' THEN
        v_line := 'ROW(''I'', n.*, NULL)::text';
        v_source := 'mr_new AS n';
    WHEN 'D' THEN
        v_line := format('ROW(''D'', %s, NULL)::text', (SELECT string_agg(format('o."mr~%s"', p.place), ', ' ORDER BY p.n) FROM unnest(v_places) WITH ORDINALITY AS p(place, n)));
        v_source := format('(SELECT o.*%s FROM mr_old AS o) AS o(%s)', v_pad, v_alias);
        v_columns := format('millrace.capture_key(%s)', i_root);
    WHEN 'U' THEN
        v_source := format('(SELECT ROW(''U'', n.*, NULL)::text, n.*%1$s FROM mr_new AS n) AS n("mr~line", %2$s), (SELECT o.*%1$s FROM mr_old AS o) AS o(%2$s)', v_pad, v_alias);
        v_where := v_where || (SELECT string_agg(format(' AND concat(o."mr~%1$s") = concat(n."mr~%1$s")', p), '') FROM unnest(v_places) AS p);
    END CASE;
    SELECT string_agg(format(
        $part$%s millrace.current_table_%s() = %s THEN
        INSERT INTO %s (ev_time, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4)
        SELECT now(), %L, %s, %L, %s, millrace.capture_key(%s), '1'
        FROM %s
        WHERE (SELECT count(*) FROM (SELECT FROM %s LIMIT 2) AS mr) = 1 AND %s;
    $part$, CASE t.n WHEN 0 THEN 'IF' ELSE 'ELSIF' END, i_queue_id, t.n,
        pgq.quote_fqname(q.queue_data_pfx || '_' || t.n), i_op, v_line, i_registered, v_columns, i_root,
        v_source, CASE i_op WHEN 'D' THEN 'mr_old' ELSE 'mr_new' END, v_where), '' ORDER BY t.n) || 'END IF;'
    INTO v_result
    FROM pgq.queue q, generate_series(0, q.queue_ntables - 1) AS t(n)
    WHERE q.queue_id = i_queue_id;
    RETURN v_result;
END $$;

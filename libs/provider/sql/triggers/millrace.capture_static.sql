-- millrace.capture_static(queue_id, rel, op, registered, shape)
-- Purpose:    the part of a capture function's source for statements that are not nested, with the table's shape as it was
--             when the code was made. An update logs first the keys that vanished (D). None: then the rows (U). Else the
--             rows as present ones (R: some have keys that were not there before), and then the keys that a row only passed
--             through (cascades that change a row twice in one statement).
-- Parameters: as millrace.capture_quick.
-- Returns:    PL/pgSQL statements; NULL when the key cannot be named.
-- Tables:     as millrace.capture_aliases.
CREATE OR REPLACE FUNCTION millrace.capture_static(i_queue_id integer, i_rel oid, i_op text, i_registered text, i_shape text) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_names record;
    v_old   text;
    v_new   text;
    v_rows  text := millrace.capture_loop(i_queue_id, i_registered, quote_literal(i_op), 'known.columns', 'known.key',
        format('SELECT %s FROM mr_new AS n', millrace.capture_line(i_op, i_shape, 'n')));
BEGIN
    IF i_op = 'I' THEN
        RETURN v_rows;
    END IF;
    SELECT * INTO v_names FROM millrace.capture_aliases(i_rel, i_shape);
    SELECT string_agg(format('o."mr~%s"', p.place), ', ' ORDER BY p.n), string_agg(format('n."mr~%s"', p.place), ', ' ORDER BY p.n)
    INTO v_old, v_new FROM unnest(v_names.places) WITH ORDINALITY AS p(place, n);
    IF v_names.places IS NULL THEN
        RETURN NULL;
    ELSIF i_op = 'D' THEN
        RETURN millrace.capture_loop(i_queue_id, i_registered, '''D''', 'known.key', 'known.key',
            format('SELECT ROW(''D'', %s, NULL)::text FROM %s', v_old, v_names.olds));
    END IF;
    RETURN millrace.capture_loop(i_queue_id, i_registered, '''D''', 'known.key', 'known.key', millrace.capture_gone(v_old, v_names.olds, v_new, v_names.news))
        || '
        IF bytes > 0 THEN' || millrace.capture_loop(i_queue_id, i_registered, '''X''', 'known.columns', 'known.key', format('SELECT %s FROM mr_new AS n', millrace.capture_line('R', i_shape, 'n')))
        || millrace.capture_loop(i_queue_id, i_registered, '''D''', 'known.key', 'known.key',
            millrace.capture_passed(cardinality(v_names.places), v_old, v_names.olds, v_new, v_names.news)) || '
        ELSE' || v_rows || '
        END IF;';
END $$;

-- millrace.capture_nested(queue_id, rel, root, op, registered, shape)
-- Purpose:    the part of a capture function's source for a nested statement of few rows, with the table exactly as it was
--             when the code was made: the present rows of the keys it touched, with plans that are kept.
-- Parameters: as millrace.capture_quick.
-- Returns:    PL/pgSQL: IF ... THEN statements ELS, to be continued with E or IF; empty where there is no such part: a
--             partition (renaming its root does not make the server plan its code again), a key that cannot be named.
-- Tables:     as millrace.capture_aliases, millrace.capture_current_steps.
CREATE OR REPLACE FUNCTION millrace.capture_nested(i_queue_id integer, i_rel oid, i_root oid, i_op text, i_registered text, i_shape text) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_names   record;
    v_touched text;
BEGIN
    SELECT * INTO v_names FROM millrace.capture_aliases(i_rel, i_shape);
    IF i_rel <> i_root OR v_names.places IS NULL THEN
        RETURN '';
    END IF;
    SELECT CASE i_op
        WHEN 'I' THEN format('SELECT %s FROM %s', string_agg(format('n."mr~%s"', p.place), ', ' ORDER BY p.n), v_names.news)
        WHEN 'D' THEN format('SELECT %s FROM %s', string_agg(format('o."mr~%s"', p.place), ', ' ORDER BY p.n), v_names.olds)
        ELSE format('SELECT %s FROM %s UNION SELECT %s FROM %s',
            string_agg(format('o."mr~%s"', p.place), ', ' ORDER BY p.n), v_names.olds,
            string_agg(format('n."mr~%s"', p.place), ', ' ORDER BY p.n), v_names.news) END
    INTO v_touched FROM unnest(v_names.places) WITH ORDINALITY AS p(place, n);
    RETURN format('IF nested AND known.shape = %L AND NOT known.many AND known.name = %L AND known.columns = %L AND known.key = %L AND NOT row_security_active(%s::oid) THEN
        -- A plan made while the table is small would read all of it for ever after.
        message := set_config(''millrace.seqscan'', current_setting(''enable_seqscan''), true);
        message := set_config(''enable_seqscan'', ''off'', true);',
            i_shape, millrace.capture_name(i_root), millrace.capture_columns(i_root), millrace.capture_key(i_root), i_root)
        || (SELECT string_agg(millrace.capture_loop(i_queue_id, i_registered, '''X''',
                CASE s.n WHEN 1 THEN 'known.key' ELSE 'known.columns' END, 'known.key', s.query), '' ORDER BY s.n)
            FROM millrace.capture_current_steps(i_root, v_touched, true) WITH ORDINALITY AS s(columns, query, n))
        || '
        message := set_config(''enable_seqscan'', current_setting(''millrace.seqscan''), true);
    ELS';
END $$;

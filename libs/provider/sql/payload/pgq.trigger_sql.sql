-- pgq.trigger_sql(kind, rows, relation, op, options)
-- Purpose:    the expression by which a payload trigger puts a row's change into its queue, and the condition for it.
--             Expressions of the trigger's maker see the row's columns by name.
-- Parameters: i_kind - json, url or sql; i_rows - how the row (NEW, or OLD of a DELETE), the old row of an UPDATE and the
--             queue are written; i_op - INSERT, UPDATE, DELETE or TRUNCATE; i_options - of pgq.trigger_options.
-- Returns:    o_call, o_when - SQL.
-- Errors:     Update/Delete on table without pkey; ... does not make sense for truncate trigger.
-- Tables:     pg_class, pg_namespace, as pgq.trigger_columns.
CREATE OR REPLACE FUNCTION pgq.trigger_sql(
    IN i_kind text, IN i_rows text[], IN i_relation oid, IN i_op text, IN i_options record, OUT o_call text, OUT o_when text) RETURNS record
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_table  text[] := (SELECT ARRAY[n.nspname, c.relname] FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = i_relation);
    v_keys   text[] := coalesce(i_options.o_pkey, ARRAY(
        SELECT c.name FROM pgq.trigger_columns(i_relation, '{}', NULL) AS c WHERE c.key IS NOT NULL ORDER BY c.key));
    v_letter text := CASE i_op WHEN 'TRUNCATE' THEN 'R' ELSE left(i_op, 1) END;
    v_row    text := '(SELECT CASE WHEN num_nulls(x) = 0 THEN concat(x) END FROM (SELECT (%s' || E'\n' || ') FROM (SELECT ' || i_rows[1] || '.*) AS r) AS e(x))';
    v_fields jsonb;
BEGIN
    IF i_op = 'TRUNCATE' AND i_options.o_ignore <> '{}' THEN
        RAISE EXCEPTION 'Column ignore does not make sense for truncate trigger';
    ELSIF i_op = 'TRUNCATE' AND i_options.o_pkey IS NOT NULL THEN
        RAISE EXCEPTION 'Custom pkey_list does not make sense for truncate trigger';
    ELSIF i_op = 'TRUNCATE' AND i_options.o_backup THEN
        RAISE EXCEPTION 'Backup does not make sense for truncate trigger';
    ELSIF i_op = 'TRUNCATE' AND (i_options.o_when IS NOT NULL OR i_options.o_fields <> '{}') THEN
        RAISE EXCEPTION 'Custom expressions do not make sense for truncate trigger';
    ELSIF i_op IN ('UPDATE', 'DELETE') AND v_keys = '{}' THEN
        RAISE EXCEPTION 'Update/Delete on table without pkey';
    END IF;
    v_fields := jsonb_build_object(
        'ev_type', quote_literal(CASE i_kind
            WHEN 'json' THEN format('{"op":"%s","table":[%s,%s],"pkey":[%s]}', i_op, to_json(v_table[1]), to_json(v_table[2]),
                                    (SELECT string_agg(to_json(k)::text, ',' ORDER BY n) FROM unnest(v_keys) WITH ORDINALITY AS u(k, n)))
            WHEN 'url' THEN v_letter || CASE i_op WHEN 'TRUNCATE' THEN '' ELSE ':' || array_to_string(v_keys, ',') END
            ELSE v_letter END),
        'ev_data', CASE
            WHEN i_op = 'TRUNCATE' THEN quote_literal(CASE i_kind WHEN 'json' THEN '{}' ELSE '' END)
            WHEN i_kind = 'sql' THEN pgq.change_sql(i_op, i_rows, i_relation, i_options.o_ignore, i_options.o_pkey)
            ELSE pgq.row_sql(i_kind, i_rows[1], i_relation, i_options.o_ignore) END,
        'ev_extra1', quote_literal(array_to_string(v_table, '.')),
        'ev_extra2', CASE WHEN i_op = 'UPDATE' AND i_options.o_backup
            THEN pgq.row_sql(CASE i_kind WHEN 'json' THEN 'json' ELSE 'url' END, i_rows[2], i_relation, i_options.o_ignore) ELSE 'NULL' END,
        'ev_extra3', 'NULL', 'ev_extra4', 'NULL');
    IF i_op <> 'TRUNCATE' THEN
        v_fields := v_fields
            || coalesce((SELECT jsonb_object_agg(c.magic, pgq.value_sql('text', format('%s.%I', i_rows[1], c.name), c.type))
                         FROM pgq.trigger_columns(i_relation, '{}', NULL) AS c WHERE c.magic IS NOT NULL), '{}')
            || coalesce((SELECT jsonb_object_agg(f.key, format(v_row, f.value)) FROM jsonb_each_text(i_options.o_fields) AS f), '{}');
    END IF;
    o_when := CASE i_op WHEN 'UPDATE' THEN pgq.update_sql(i_kind, i_rows, i_relation, i_options.o_ignore, i_options.o_pkey) ELSE 'true' END;
    IF i_options.o_when IS NOT NULL THEN
        o_when := format(E'CASE WHEN (SELECT (%s\n) FROM (SELECT %s.*) AS r) THEN %s ELSE false END', i_options.o_when, i_rows[1], o_when);
    END IF;
    o_call := format(E'pgq.insert_event(%s, %s,\n%s,\n%s, %s, %s, %s)', i_rows[3], v_fields ->> 'ev_type', v_fields ->> 'ev_data',
                     v_fields ->> 'ev_extra1', v_fields ->> 'ev_extra2', v_fields ->> 'ev_extra3', v_fields ->> 'ev_extra4');
END $$;

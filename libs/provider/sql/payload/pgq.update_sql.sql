-- pgq.update_sql(kind, rows, relation, ignore, pkey)
-- Purpose:    the condition under which an update makes an event: not when it changes ignored columns only. One that
--             changes nothing does. One that changes the key is refused; keys are compared as the table's own index does,
--             or, where their type has no equality, by their text.
-- Parameters: i_kind - sql: columns that give a field are as good as ignored; i_rows - how the new row and the old one are
--             written; the rest as in pgq.trigger_columns.
-- Returns:    SQL of type boolean.
-- Tables:     as pgq.trigger_columns and pgq.has_equality.
CREATE OR REPLACE FUNCTION pgq.update_sql(i_kind text, i_rows text[], i_relation oid, i_ignore text[], i_pkey text[]) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_column  record;
    v_same    text[] := '{}';
    v_ignored text[] := '{}';
    v_keys    text[] := '{}';
    v_equal   text;
    v_new     text;
    v_old     text;
BEGIN
    FOR v_column IN SELECT * FROM pgq.trigger_columns(i_relation, i_ignore, i_pkey) LOOP
        v_new := format('%s.%I', i_rows[1], v_column.name);
        v_old := format('%s.%I', i_rows[2], v_column.name);
        v_equal := format('%s IS NOT DISTINCT FROM %s', pgq.value_sql('text', v_new, v_column.type), pgq.value_sql('text', v_old, v_column.type));
        IF v_column.ignored OR (v_column.magic IS NOT NULL AND i_kind = 'sql') THEN
            v_ignored := v_ignored || v_equal;
        ELSE
            v_same := v_same || v_equal;
        END IF;
        IF v_column.key IS NOT NULL THEN
            v_keys := v_keys || CASE WHEN pgq.has_equality(v_column.type) THEN format('record_eq(ROW(%s), ROW(%s))', v_new, v_old) ELSE v_equal END;
        END IF;
    END LOOP;
    v_equal := 'true';
    IF v_ignored <> '{}' THEN
        v_equal := format('NOT (%s) OR (%s)', coalesce(nullif(array_to_string(v_same, ' AND '), ''), 'true'), array_to_string(v_ignored, ' AND '));
    END IF;
    IF v_keys = '{}' THEN
        RETURN v_equal;
    END IF;
    RETURN format('CASE WHEN NOT (%s) THEN pgq.refuse_event(''primary key update not allowed'') ELSE %s END', array_to_string(v_keys, ' AND '), v_equal);
END $$;

-- pgq.change_sql(op, rows, relation, ignore, pkey)
-- Purpose:    SQL that writes a row's change as sqltriga does: what has to stand after "insert into t", "update only t set"
--             or "delete from only t where".
--             An update has the columns whose text has changed: equal values may differ in what they show (1.0 and 1.00,
--             the case of a citext). Without any, the first key column is set to itself.
-- Parameters: i_op - INSERT, UPDATE or DELETE; i_rows - how the row and the old row of an update are written; i_ignore, i_pkey - as in pgq.trigger_columns.
-- Returns:    SQL of type text.
-- Tables:     as pgq.trigger_columns.
CREATE OR REPLACE FUNCTION pgq.change_sql(i_op text, i_rows text[], i_relation oid, i_ignore text[], i_pkey text[]) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_old   text := CASE i_op WHEN 'UPDATE' THEN i_rows[2] ELSE i_rows[1] END;
    v_names text;
    v_items text;
    v_where text;
    v_self  text;
BEGIN
    IF i_op = 'INSERT' THEN
        SELECT string_agg(quote_ident(c.name), ','),
               string_agg(format('coalesce(%s, ''null'')', pgq.value_sql('literal', format('%s.%I', i_rows[1], c.name), c.type)), E',\n')
        INTO v_names, v_items
        FROM pgq.trigger_columns(i_relation, i_ignore, i_pkey) AS c WHERE NOT c.ignored AND c.magic IS NULL;
        RETURN format('%L || array_to_string(ARRAY[%s]::text[], '','') || '')''', '(' || v_names || ') values (', v_items);
    END IF;

    SELECT string_agg(k.item, ' || '' and '' || ' ORDER BY c.place), (array_agg(k.item ORDER BY c.place))[1] INTO v_where, v_self
    FROM pgq.trigger_columns(i_relation, i_ignore, i_pkey) WITH ORDINALITY AS c(name, type, key, ignored, magic, place),
         format('%L || coalesce(%s, pgq.refuse_event(''Unexpected NULL key value'')::text)', quote_ident(c.name) || '=',
                pgq.value_sql('literal', format('%s.%I', v_old, c.name), c.type)) AS k(item)
    WHERE c.key IS NOT NULL;
    IF i_op = 'DELETE' THEN
        RETURN v_where;
    END IF;
    SELECT string_agg(format('CASE WHEN %s IS DISTINCT FROM %s THEN %L || coalesce(%s, ''NULL'') END',
               pgq.value_sql('text', format('%s.%I', i_rows[1], c.name), c.type), pgq.value_sql('text', format('%s.%I', i_rows[2], c.name), c.type),
               quote_ident(c.name) || '=', pgq.value_sql('literal', format('%s.%I', i_rows[1], c.name), c.type)), E',\n')
    INTO v_items
    FROM pgq.trigger_columns(i_relation, i_ignore, i_pkey) AS c WHERE NOT c.ignored AND c.magic IS NULL;
    RETURN format('coalesce(nullif(array_to_string(ARRAY[%s]::text[], '',''), ''''), %s) || '' where '' || %s', v_items, v_self, v_where);
END $$;

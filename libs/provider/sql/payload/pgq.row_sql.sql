-- pgq.row_sql(kind, row, relation, ignore)
-- Purpose:    SQL that writes a whole row as jsontriga (json) or logutriga (url) does.
-- Parameters: i_kind - json or url; i_row - ($1) or ($2), NEW or OLD; i_ignore - columns left out.
-- Returns:    SQL of type text.
-- Tables:     as pgq.trigger_columns.
CREATE OR REPLACE FUNCTION pgq.row_sql(i_kind text, i_row text, i_relation oid, i_ignore text[]) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_items text;
BEGIN
    SELECT string_agg(CASE i_kind
        WHEN 'json' THEN format('%L || %s', to_json(c.name) || ':', pgq.value_sql('json', format('%s.%I', i_row, c.name), c.type))
        ELSE format('%L || coalesce(''='' || %s, '''')', pgq.urlencode(c.name), pgq.value_sql('url', format('%s.%I', i_row, c.name), c.type))
    END, E',\n') INTO v_items
    FROM pgq.trigger_columns(i_relation, i_ignore, NULL) AS c WHERE NOT c.ignored AND c.magic IS NULL;
    RETURN format(CASE i_kind WHEN 'json' THEN '''{'' || array_to_string(ARRAY[%s]::text[], '','') || ''}'''
                              ELSE 'array_to_string(ARRAY[%s]::text[], ''&'')' END, v_items);
END $$;

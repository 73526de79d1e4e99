-- pgq.value_sql(kind, value, type)
-- Purpose:    SQL that writes one column's value as a payload trigger of this kind does.
--             A value's text is what its type's output function gives. A cast to text is that for most types, and quicker;
--             for some it is not (boolean, inet, char(n)), nor for what others may define casts for: there, concat().
-- Parameters: i_kind - text (the value as it is), json, url (encoded) or literal (quoted for SQL); i_value - SQL of the value; i_type - its type.
-- Returns:    SQL of type text: NULL for NULL, but null as JSON.
-- Tables:     pg_type (read).
CREATE OR REPLACE FUNCTION pgq.value_sql(i_kind text, i_value text, i_type oid) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_text text;
BEGIN
    IF i_type IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype, 'oid'::regtype, 'text'::regtype, 'varchar'::regtype,
                  'numeric'::regtype, 'float4'::regtype, 'float8'::regtype, 'uuid'::regtype, 'json'::regtype, 'jsonb'::regtype,
                  'date'::regtype, 'timestamp'::regtype, 'timestamptz'::regtype, 'interval'::regtype, 'bytea'::regtype) THEN
        v_text := i_value || '::text';
    ELSE  -- a row of NULLs "is null" and still a value: hence num_nulls
        v_text := format('CASE WHEN num_nulls(%1$s) = 0 THEN concat(%1$s) END', i_value);
    END IF;
    CASE i_kind
    WHEN 'text' THEN
        RETURN v_text;
    WHEN 'literal' THEN
        RETURN format('quote_literal(%s)', v_text);
    WHEN 'url' THEN
        IF i_type IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype, 'oid'::regtype, 'uuid'::regtype) THEN
            RETURN v_text;
        END IF;
        RETURN format('CASE WHEN %1$s ~ ''[^A-Za-z0-9_.-]'' THEN pgq.urlencode(%1$s) ELSE %1$s END', v_text);
    ELSE
        IF i_type IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype) THEN
            RETURN format('coalesce(%s, ''null'')', v_text);
        ELSIF i_type IN ('bool'::regtype, 'date'::regtype, 'timestamp'::regtype, 'timestamptz'::regtype) THEN
            RETURN format('coalesce(to_json(%s)::text, ''null'')', i_value);
        END IF;
        RETURN format('coalesce(to_json(%s)::text, ''null'')', v_text);
    END CASE;
END $$;

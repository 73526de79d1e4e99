-- millrace.type_code(type)
-- Purpose:    the code of a type in an event: every event stores those of its columns, so a common type is one letter.
-- Parameters: i_type - as format_type gives it, under the search path of this function.
-- Returns:    a letter, with the modifier behind it: i, v20, n10.2; any other type as a JSON string, "public.grade"; a
--             domain also what it is made of, "public.amount"=n10.2. libs/model/src/column-source.ts reads it.
-- Tables:     pg_type, pg_namespace (read): a type never changes what it is made of.
CREATE OR REPLACE FUNCTION millrace.type_code(i_type text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET quote_all_identifiers = off AS $$
DECLARE
    v_letter text := CASE substring(i_type FROM '^[^(]*')
        WHEN 'integer' THEN 'i' WHEN 'bigint' THEN 'l' WHEN 'smallint' THEN 's' WHEN 'text' THEN 't' WHEN 'boolean' THEN 'b'
        WHEN 'numeric' THEN 'n' WHEN 'character varying' THEN 'v' WHEN 'character' THEN 'c' WHEN 'uuid' THEN 'u'
        WHEN 'timestamp with time zone' THEN 'Z' WHEN 'timestamp without time zone' THEN 'T' WHEN 'date' THEN 'D'
        WHEN 'jsonb' THEN 'j' WHEN 'json' THEN 'J' WHEN 'bytea' THEN 'y' WHEN 'real' THEN 'r' WHEN 'double precision' THEN 'd' END;
    v_mod    text[] := regexp_match(i_type, '^[a-z ]+[(]([0-9,-]+)[)]$');
    v_name   text[];
    v_base   text;
BEGIN
    IF v_letter IS NOT NULL AND (v_mod IS NOT NULL OR right(i_type, 1) NOT IN (')', ']')) THEN
        RETURN v_letter || coalesce(replace(v_mod[1], ',', '.'), '');
    END IF;
    IF strpos(i_type, '.') > 0 AND right(i_type, 1) NOT IN (')', ']') THEN
        -- Not to_regtype: we may lack the right to use the type's schema.
        v_name := parse_ident(i_type, false);
        WITH RECURSIVE base (type, mod, kind) AS (
            SELECT t.typbasetype, t.typtypmod, t.typtype FROM pg_type t JOIN pg_namespace s ON s.oid = t.typnamespace
            WHERE s.nspname = v_name[1] AND t.typname = v_name[2] AND t.typtype = 'd'
            UNION ALL
            SELECT t.typbasetype, CASE WHEN b.mod < 0 THEN t.typtypmod ELSE b.mod END, t.typtype
            FROM base b JOIN pg_type t ON t.oid = b.type WHERE t.typtype = 'd')
        SELECT millrace.type_code(format_type(b.type, b.mod)) INTO v_base
        FROM base b JOIN pg_type t ON t.oid = b.type WHERE t.typtype <> 'd';
    END IF;
    RETURN to_json(i_type)::text || coalesce('=' || v_base, '');
END $$;

-- millrace.token_parts(token, tables)
-- Purpose:    what a token of millrace.token asks of this database: a part for each of its queues that is followed here
--             and, when tables are named, carries one of them.
-- Parameters: tables - those that the caller will read; NULL: all.
-- Returns:    json array of {p provider, l timeline, q queue, t tick, f fingerprint, s snapshot, o own transaction}; never
--             empty.
-- Errors:     not a token (22023); none of its queues is followed here, or a table is in none of them (MR001).
-- Tables:     millrace.position, millrace.subscribed_table (read).
CREATE OR REPLACE FUNCTION millrace.token_parts(token text, tables regclass[]) RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_token jsonb;
    v_text  text := translate(substr(token, 5), '-_', '+/');
    v_parts jsonb;
    v_stray regclass;
BEGIN
    BEGIN
        v_token := convert_from(decode(rpad(v_text, (length(v_text) + 3) / 4 * 4, '='), 'base64'), 'UTF8')::jsonb;
    EXCEPTION WHEN data_exception OR syntax_error_or_access_rule_violation THEN
        v_token := NULL;
    END;
    IF v_token IS NULL OR token NOT LIKE 'mr1.%' OR coalesce(jsonb_typeof(v_token -> 'q'), '') <> 'array' THEN
        RAISE EXCEPTION 'this is not a token of millrace.token()'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'hand over the text exactly as the provider gave it';
    END IF;
    SELECT t INTO v_stray FROM unnest(tables) AS t WHERE NOT EXISTS (
        SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN millrace.subscribed_table s ON s.schema_name = n.nspname AND s.table_name = c.relname
        WHERE c.oid = t AND s.queue IN (SELECT part ->> 'q' FROM jsonb_array_elements(v_token -> 'q') AS part));
    IF FOUND THEN
        RAISE EXCEPTION 'table % is not replicated here by a queue of this token', coalesce(v_stray::text, 'NULL') USING ERRCODE = 'MR001';
    END IF;
    SELECT jsonb_agg(part || jsonb_build_object('p', v_token -> 'p', 'l', v_token -> 'l')) INTO v_parts
    FROM jsonb_array_elements(v_token -> 'q') AS part
    WHERE EXISTS (SELECT FROM millrace.position p WHERE p.queue = part ->> 'q')
      AND (tables IS NULL OR EXISTS (
        SELECT FROM millrace.subscribed_table s JOIN pg_namespace n ON n.nspname = s.schema_name
        JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = s.table_name
        WHERE s.queue = part ->> 'q' AND c.oid = ANY (tables)));
    IF v_parts IS NULL THEN
        RAISE EXCEPTION 'this database follows no queue of this token (%)',
            (SELECT string_agg(part ->> 'q', ', ') FROM jsonb_array_elements(v_token -> 'q') AS part) USING ERRCODE = 'MR001';
    END IF;
    RETURN v_parts;
END $$;

-- pgq.trigger_plan(kind, relation, op, when, args)
-- Purpose:    the statement of a payload trigger for one operation ($1 the row, $2 the old one, $3 the queue), with what the trigger must know before it runs it.
--             Built from the catalogs, without running anything of the table's or its types': pgq.trigger_statement keeps it.
-- Parameters: i_when - BEFORE or AFTER; i_args - the trigger's arguments.
-- Returns:    three letters, SQL. First letter: S when the row's own change is to be left out. Second: P
--             when settings change the text of a value. Third: X when the maker's expressions are in it.
-- Errors:     as pgq.trigger_options and pgq.trigger_sql; SKIP does not work in AFTER trigger.; change not allowed.
-- Tables:     as pgq.trigger_sql.
CREATE OR REPLACE FUNCTION pgq.trigger_plan(i_kind text, i_relation oid, i_op text, i_when text, i_args text[]) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET quote_all_identifiers = off AS $$
DECLARE
    v_options record;
    v_exprs   boolean;
    v_pinned  boolean;
BEGIN
    SELECT * INTO v_options FROM pgq.trigger_options(i_args);
    IF v_options.o_skip AND i_when = 'AFTER' THEN
        RAISE EXCEPTION 'SKIP does not work in AFTER trigger.';
    ELSIF v_options.o_deny THEN
        RAISE EXCEPTION 'Table ''%'' to queue ''%'': change not allowed (%)', (SELECT n.nspname || '.' || c.relname FROM pg_class c
            JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = i_relation), i_args[array_lower(i_args, 1)], i_op;
    END IF;
    v_exprs := v_options.o_when IS NOT NULL OR v_options.o_fields <> '{}';
    v_pinned := v_exprs OR EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = i_relation AND a.attnum > 0 AND NOT a.attisdropped
        AND a.atttypid NOT IN ('bool'::regtype, 'int2'::regtype, 'int4'::regtype, 'int8'::regtype, 'oid'::regtype, 'text'::regtype,
                               'varchar'::regtype, 'bpchar'::regtype, 'numeric'::regtype, 'uuid'::regtype, 'json'::regtype, 'jsonb'::regtype));
    RETURN CASE WHEN v_options.o_skip THEN 'S' ELSE '-' END || CASE WHEN v_pinned THEN 'P' ELSE '-' END || CASE WHEN v_exprs THEN 'X' ELSE '-' END
        || (SELECT format('SELECT %s WHERE %s', t.o_call, t.o_when)
            FROM pgq.trigger_sql(i_kind, ARRAY['($1)', '($2)', '$3'], i_relation, i_op, v_options) AS t);
END $$;

-- pgq.write_trigger(relation, trigger)
-- Purpose:    writes a function that does what a jsontriga, logutriga or sqltriga trigger does on this table, with its columns
--             written out (templates/payload_trigger.sql, specialised). For a trigger that has such a function: writes it again.
-- Parameters: i_trigger - the trigger's name.
-- Returns:    the function's name. Errors: no such trigger; has expressions, no key, is partitioned (0A000).
-- Tables:     pg_trigger, pg_proc, pg_class, pg_attribute, pg_index (read); makes a function in schema pgq.
CREATE OR REPLACE FUNCTION pgq.write_trigger(i_relation regclass, i_trigger name) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET quote_all_identifiers = off AS $$
DECLARE
    v_name    text := 'payload_' || i_relation::oid || '_' || substr(md5(i_trigger), 1, 8);
    v_trigger record;
    v_options record;
    v_args    text[];
    v_values  jsonb;
BEGIN
    SELECT t.oid, t.tgtype, pgq.payload_kind(t.tgfoid) AS kind INTO v_trigger
    FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
    WHERE t.tgrelid = i_relation AND t.tgname = i_trigger AND p.pronamespace = 'pgq'::regnamespace
      AND p.proname IN ('jsontriga', 'logutriga', 'sqltriga', v_name);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'table % has no payload trigger named %', i_relation, i_trigger USING ERRCODE = 'undefined_object';
    END IF;
    v_args := pgq.trigger_arguments(v_trigger.oid);
    SELECT * INTO v_options FROM pgq.trigger_options(v_args);
    IF v_options.o_when IS NOT NULL OR v_options.o_fields <> '{}' OR v_options.o_deny THEN
        RAISE EXCEPTION 'trigger % on % has expressions: it stays as it is', i_trigger, i_relation USING ERRCODE = 'feature_not_supported';
    ELSIF (SELECT c.relkind FROM pg_class c WHERE c.oid = i_relation) = 'p' THEN
        RAISE EXCEPTION 'table % is partitioned: the trigger % stays as it is', i_relation, i_trigger USING ERRCODE = 'feature_not_supported';
    ELSIF NOT EXISTS (SELECT FROM pgq.trigger_columns(i_relation, '{}', v_options.o_pkey) AS c WHERE c.key IS NOT NULL) THEN
        RAISE EXCEPTION 'table % has no key: the trigger % stays as it is', i_relation, i_trigger USING ERRCODE = 'feature_not_supported';
    END IF;
    SELECT jsonb_build_object(
            'function', v_name, 'kind', v_trigger.kind, 'specialised', true, 'skip', v_options.o_skip,
            'arguments', v_args::text, 'table_schema', n.nspname, 'table_name', c.relname,
            'primary_key', (SELECT coalesce(jsonb_agg(jsonb_build_object('index', i.indexrelid)), '[]') FROM pg_index i WHERE i.indrelid = i_relation AND i.indisprimary),
            'columns_hash', (SELECT bit_xor(hashtextextended(concat(a.attnum, ' ', a.atttypid, a.attgenerated, ' ', a.attname), 0))
                             FROM pg_attribute a WHERE a.attrelid = i_relation AND a.attnum > 0),
            'pinned', pgq.trigger_plan(v_trigger.kind, i_relation, 'INSERT', CASE v_trigger.tgtype & 2 WHEN 0 THEN 'AFTER' ELSE 'BEFORE' END, v_args) LIKE '_P%')
    INTO v_values FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = i_relation;
    SELECT v_values || jsonb_object_agg(lower(o.op) || '_when', t.o_when) || jsonb_object_agg(lower(o.op) || '_call', t.o_call) INTO v_values
    FROM (VALUES ('INSERT', 'NEW'), ('UPDATE', 'NEW'), ('DELETE', 'OLD')) AS o(op, row),
         pgq.trigger_sql(v_trigger.kind, ARRAY[o.row, 'OLD', quote_literal(v_args[0])], i_relation, o.op, v_options) AS t;
    EXECUTE millrace.fill(millrace.template('payload_trigger'), v_values);
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'pgq_writer') THEN
        EXECUTE format('GRANT EXECUTE ON FUNCTION pgq.%I() TO pgq_writer', v_name);
    END IF;
    RETURN 'pgq.' || v_name;
END $$;

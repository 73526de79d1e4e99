-- pgq.write_trigger(relation, trigger)
-- Purpose:    writes a function that does what a jsontriga, logutriga or sqltriga trigger does on this table, with its columns
--             written out: no statement is planned at a row. It asks first whether the table has the columns, the key and the name
--             that it was written for, and the trigger its arguments; if not, it does as the general function, whose source
--             it continues with.
-- Parameters: i_trigger - the trigger's name.
-- Returns:    the function's name. Errors: no such trigger; has expressions, no key, is partitioned (0A000).
-- Tables:     pg_trigger, pg_proc, pg_attribute, pg_index (read); makes a function in schema pgq.
CREATE OR REPLACE FUNCTION pgq.write_trigger(i_relation regclass, i_trigger name) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET quote_all_identifiers = off AS $$
DECLARE
    v_trigger record;
    v_options record;
    v_args    text[];
    v_kind    text;
    v_name    text;
    v_quick   text;
    v_same    text;
    v_hash    text;
    v_columns text := '(SELECT bit_xor(hashtextextended(concat(a.attnum, '' '', a.atttypid, a.attgenerated, '' '', a.attname), 0))'
                   || ' FROM pg_attribute a WHERE a.attrelid = %s AND a.attnum > 0)';
BEGIN
    SELECT t.*, p.prosrc, p.proname INTO v_trigger
    FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
    WHERE t.tgrelid = i_relation AND t.tgname = i_trigger AND p.pronamespace = 'pgq'::regnamespace
      AND p.proname IN ('jsontriga', 'logutriga', 'sqltriga');
    IF NOT FOUND THEN
        RAISE EXCEPTION 'table % has no payload trigger named %', i_relation, i_trigger USING ERRCODE = 'undefined_object';
    END IF;
    -- tgargs: each argument ends with a zero byte.
    v_args := trim_array(string_to_array(encode(v_trigger.tgargs, 'escape'), E'\\000'), 1);
    SELECT * INTO v_options FROM pgq.trigger_options(v_args);
    IF v_options.o_when IS NOT NULL OR v_options.o_fields <> '{}' OR v_options.o_deny THEN
        RAISE EXCEPTION 'trigger % on % has expressions: it stays as it is', i_trigger, i_relation USING ERRCODE = 'feature_not_supported';
    ELSIF (SELECT c.relkind FROM pg_class c WHERE c.oid = i_relation) = 'p' THEN
        RAISE EXCEPTION 'table % is partitioned: the trigger % stays as it is', i_relation, i_trigger USING ERRCODE = 'feature_not_supported';
    ELSIF NOT EXISTS (SELECT FROM pgq.trigger_columns(i_relation, '{}', v_options.o_pkey) AS c WHERE c.key IS NOT NULL) THEN
        RAISE EXCEPTION 'table % has no key: the trigger % stays as it is', i_relation, i_trigger USING ERRCODE = 'feature_not_supported';
    END IF;
    v_kind := CASE v_trigger.proname WHEN 'jsontriga' THEN 'json' WHEN 'logutriga' THEN 'url' ELSE 'sql' END;
    v_name := 'pgq.payload_' || i_relation::oid || '_' || substr(md5(i_trigger), 1, 8);
    SELECT string_agg(format(E'\n        %s TG_OP = %L THEN\n            IF (%s) THEN\n                v_id := %s;\n            END IF;',
               CASE WHEN op = 'INSERT' THEN 'IF' ELSE 'ELSIF' END, op, t.o_when, t.o_call), '')
    INTO v_quick
    FROM unnest(ARRAY['INSERT', 'UPDATE', 'DELETE']) WITH ORDINALITY AS o(op, n),
         pgq.trigger_sql(v_kind, ARRAY[CASE op WHEN 'DELETE' THEN 'OLD' ELSE 'NEW' END, 'OLD', quote_literal(v_args[1])], i_relation, op, v_options) AS t;
    SELECT format('TG_TABLE_SCHEMA = %L AND TG_TABLE_NAME = %L', n.nspname, c.relname)
           || coalesce((SELECT format(' AND pg_describe_object(1259, %s, 0) IS NOT NULL', i.indexrelid)
                        FROM pg_index i WHERE i.indrelid = i_relation AND i.indisprimary), '')
    INTO v_same FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = i_relation;
    EXECUTE 'SELECT ' || format(v_columns, i_relation::oid) INTO v_hash;
    v_quick := format($code$
    IF TG_OP <> 'TRUNCATE' AND TG_ARGV::text = %L AND %s
       AND %s = %s THEN
        %s%s
        END IF;
        IF v_saved IS NOT NULL THEN
            PERFORM pgq.restore_settings(v_saved);
        END IF;
        IF TG_WHEN = 'AFTER' OR %L THEN
            RETURN NULL;
        ELSIF TG_OP = 'DELETE' THEN
            RETURN OLD;
        END IF;
        RETURN NEW;
    END IF;
    $code$, '[0:' || cardinality(v_args) - 1 || ']=' || v_args::text, v_same, format(v_columns, 'TG_RELID'), v_hash,
        CASE WHEN pgq.trigger_plan(v_kind, i_relation, 'INSERT', CASE v_trigger.tgtype & 2 WHEN 0 THEN 'AFTER' ELSE 'BEFORE' END, v_args) LIKE '_P%' THEN 'v_saved := pgq.pin_settings();' ELSE '' END,
        v_quick, v_options.o_skip);
    EXECUTE format('CREATE OR REPLACE FUNCTION %s() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS %L',
        v_name, replace(replace(v_trigger.prosrc, E'\nDECLARE\n', E'\nDECLARE\n    v_id bigint;\n'), '    v_setting := ', v_quick || 'v_setting := '));
    EXECUTE format('REVOKE ALL ON FUNCTION %s() FROM PUBLIC', v_name);
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'pgq_writer') THEN
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s() TO pgq_writer', v_name);
    END IF;
    RETURN v_name;
END $$;

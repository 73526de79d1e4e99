-- Takes everything of the provider out of this database: sets (with their triggers), functions, tables, schema pgq if it
-- is ours, schema millrace if nothing else (a subscriber's part) is left in it, roles that nothing else depends on.
-- The application's tables and their rows stay. Run in one transaction, by the owner.
DO $uninstall$
DECLARE
    v_item record;
    v_role text;
    -- With the real extension its roles and their rights are its own.
    v_roles text[] := ARRAY['millrace_owner', 'millrace_capture', 'millrace_ticker', 'millrace_app']
        || CASE WHEN EXISTS (SELECT FROM pg_extension WHERE extname = 'pgq') THEN '{}' ELSE ARRAY['pgq_admin', 'pgq_reader', 'pgq_writer'] END;
BEGIN
    IF to_regclass('millrace.set') IS NOT NULL THEN
        PERFORM millrace.drop_set(s.queue) FROM millrace.set s;
    END IF;
    -- Triggers that lost their set: no application statement may fail for a function that is gone.
    FOR v_item IN
        SELECT t.tgname, t.tgrelid::regclass AS tab FROM pg_trigger t
        JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE n.nspname = 'millrace' AND NOT t.tgisinternal AND t.tgparentid = 0
    LOOP
        EXECUTE format('DROP TRIGGER %I ON %s', v_item.tgname, v_item.tab);
    END LOOP;
    -- Ours: marked by the installer, or made for a table (trigger functions).
    FOR v_item IN
        SELECT p.oid::regprocedure AS func FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
        LEFT JOIN pg_description d ON d.objoid = p.oid AND d.classoid = 'pg_proc'::regclass
        WHERE n.nspname = 'millrace' AND (d.description = 'Millrace provider' OR p.prorettype = 'trigger'::regtype)
    LOOP
        EXECUTE format('DROP FUNCTION IF EXISTS %s CASCADE', v_item.func);
    END LOOP;
    IF to_regclass('millrace.provider_migration') IS NOT NULL
       AND NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'pgq')
       AND EXISTS (SELECT FROM pg_namespace WHERE nspname = 'pgq') THEN
        DROP SCHEMA pgq CASCADE;
        DROP SCHEMA IF EXISTS pgq_coop CASCADE;
    END IF;
    DROP TABLE IF EXISTS millrace.bus_address, millrace.comparison, millrace.copy_request, millrace.service_report, millrace.set_sequence, millrace.set_table, millrace.truncation,
        millrace.subscriber, millrace.set, millrace.provider_migration CASCADE;
    IF to_regclass('millrace.subscriber_migration') IS NULL THEN
        DROP TABLE IF EXISTS millrace.audit, millrace.session_lock, millrace.row_lock;
        DROP FUNCTION IF EXISTS millrace.request_lock(text), millrace.lock_row(text, text), millrace.may_hold_lock(text, oid), millrace.lock_holder(bigint);
    END IF;
    BEGIN
        DROP SCHEMA IF EXISTS millrace;
    EXCEPTION WHEN dependent_objects_still_exist THEN
        RAISE NOTICE 'schema millrace still holds other objects and stays';
    END;

    -- Rights that people gave our roles on their own tables and schemas would keep the roles alive.
    FOR v_item IN
        SELECT format('REVOKE ALL ON %s %I.%I FROM %I', CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, n.nspname, c.relname, r.rolname) AS sql
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, aclexplode(c.relacl) AS a JOIN pg_roles r ON r.oid = a.grantee
        WHERE r.rolname = ANY (v_roles)
        UNION
        SELECT format('REVOKE ALL ON SCHEMA %I FROM %I', n.nspname, r.rolname)
        FROM pg_namespace n, aclexplode(n.nspacl) AS a JOIN pg_roles r ON r.oid = a.grantee
        WHERE r.rolname = ANY (v_roles)
    LOOP
        BEGIN
            EXECUTE v_item.sql;
        EXCEPTION WHEN insufficient_privilege THEN
            RAISE NOTICE 'not revoked: %', SQLERRM;
        END;
    END LOOP;
    FOREACH v_role IN ARRAY v_roles LOOP
        BEGIN
            EXECUTE format('DROP ROLE IF EXISTS %I', v_role);
        EXCEPTION WHEN dependent_objects_still_exist OR insufficient_privilege OR object_in_use THEN
            RAISE NOTICE 'role % stays: %', v_role, SQLERRM;
        END;
    END LOOP;
END $uninstall$;

-- pgq.rewrite_triggers()
-- Purpose:    writes the functions of specialised triggers again, as this version does; called by the installation. A trigger
--             that may have none of its own any more gets the general function under the same name; a function that no trigger
--             calls is dropped.
-- Returns:    how many are in use.
-- Tables:     pg_proc, pg_trigger (read); makes and drops functions in schema pgq.
CREATE OR REPLACE FUNCTION pgq.rewrite_triggers() RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_function record;
    v_count    integer := 0;
BEGIN
    FOR v_function IN
        SELECT p.proname AS name, pgq.payload_kind(p.oid) AS kind, t.tgrelid AS relation, t.tgname AS trigger,
               EXISTS (SELECT FROM pg_trigger u WHERE u.tgfoid = p.oid) AS called
        FROM pg_proc p LEFT JOIN pg_trigger t ON t.tgfoid = p.oid AND p.proname = 'payload_' || t.tgrelid || '_' || substr(md5(t.tgname), 1, 8)
        WHERE p.pronamespace = 'pgq'::regnamespace AND starts_with(p.proname, 'payload_') AND p.prorettype = 'trigger'::regtype AND p.pronargs = 0
    LOOP
        IF NOT v_function.called THEN
            EXECUTE format('DROP FUNCTION pgq.%I()', v_function.name);
            CONTINUE;
        END IF;
        v_count := v_count + 1;
        BEGIN
            PERFORM pgq.write_trigger(v_function.relation, v_function.trigger);
        EXCEPTION WHEN undefined_object OR feature_not_supported OR raise_exception THEN
            EXECUTE millrace.fill(millrace.template('payload_trigger'),
                jsonb_build_object('function', v_function.name, 'kind', v_function.kind, 'specialised', false));
        END;
    END LOOP;
    RETURN v_count;
END $$;

-- pgq.specialise_trigger(relation, trigger)
-- Purpose:    makes a jsontriga, logutriga or sqltriga trigger two to three times faster: it gets a function written for its
--             table (pgq.write_trigger). After ALTER TABLE it still gives the right events, as slowly as before, until this is
--             called again. Locks the table as CREATE TRIGGER does.
-- Parameters: i_trigger - the trigger's name.
-- Returns:    the function's name. Runs as the table's owner. Errors: as pgq.write_trigger.
-- Tables:     pg_trigger (read).
CREATE OR REPLACE FUNCTION pgq.specialise_trigger(i_relation regclass, i_trigger name) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET quote_all_identifiers = off AS $$
DECLARE
    v_function text;
    v_trigger  record;
    v_args     text[];
    v_parts    text[];
BEGIN
    SELECT t.oid, pg_get_triggerdef(t.oid) AS def, t.tgenabled, ' EXECUTE FUNCTION ' || t.tgfoid::regproc || '(' AS calls INTO v_trigger
    FROM pg_trigger t WHERE t.tgrelid = i_relation AND t.tgname = i_trigger;
    IF v_trigger.calls LIKE ' EXECUTE FUNCTION pgq.payload%' THEN
        RAISE EXCEPTION 'trigger % on % is specialised: create it again, then call this function again', i_trigger, i_relation
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    v_function := pgq.write_trigger(i_relation, i_trigger);
    -- When, for which columns and under which condition: what stands before the call. An argument may hold the same words
    -- (they have nothing that quoting changes), so the call is the last one but those.
    v_args := pgq.trigger_arguments(v_trigger.oid);
    v_parts := string_to_array(v_trigger.def, v_trigger.calls);
    v_parts := trim_array(v_parts, cardinality(string_to_array(array_to_string(v_args, E'\n'), v_trigger.calls)));
    EXECUTE format('CREATE OR REPLACE %s EXECUTE FUNCTION %s(%s)',
        substr(array_to_string(v_parts, v_trigger.calls), length('CREATE ') + 1), v_function,
        (SELECT string_agg(quote_literal(a), ', ' ORDER BY n) FROM unnest(v_args) WITH ORDINALITY AS u(a, n)));
    IF v_trigger.tgenabled <> 'O' THEN
        EXECUTE format('ALTER TABLE %s %s TRIGGER %I', i_relation,
            CASE v_trigger.tgenabled WHEN 'D' THEN 'DISABLE' WHEN 'A' THEN 'ENABLE ALWAYS' ELSE 'ENABLE REPLICA' END, i_trigger);
    END IF;
    RETURN v_function;
END $$;

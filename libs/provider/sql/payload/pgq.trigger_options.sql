-- pgq.trigger_options(args)
-- Purpose:    reads what stands behind the queue's name in a payload trigger's arguments.
-- Parameters: i_args - the trigger's arguments.
-- Returns:    o_skip, o_backup, o_deny; o_ignore, o_pkey - columns (o_pkey NULL: the table's own key); o_when - SQL or NULL;
--             o_fields - SQL by field (ev_type, ev_data, ev_extra1 .. ev_extra4).
-- Errors:     pgq trigger must have destination queue as argument; bad param to pgq trigger.
-- Tables:     none.
CREATE OR REPLACE FUNCTION pgq.trigger_options(
    IN i_args text[], OUT o_skip boolean, OUT o_backup boolean, OUT o_deny boolean, OUT o_ignore text[], OUT o_pkey text[],
    OUT o_when text, OUT o_fields jsonb) RETURNS record
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_arg   text;
    v_name  text;
    v_value text;
BEGIN
    o_skip := false; o_backup := false; o_deny := false; o_ignore := '{}'; o_fields := '{}';
    IF coalesce(cardinality(i_args), 0) = 0 THEN
        RAISE EXCEPTION 'pgq trigger must have destination queue as argument';
    END IF;
    FOREACH v_arg IN ARRAY i_args[array_lower(i_args, 1) + 1:] LOOP
        v_name := split_part(v_arg, '=', 1);
        v_value := substr(v_arg, length(v_name) + 2);
        CASE
            WHEN v_arg IN ('SKIP', 'skip') THEN o_skip := true;
            WHEN v_arg = 'backup' THEN o_backup := true;
            WHEN v_arg = 'deny' THEN o_deny := true;
            WHEN v_arg LIKE 'ignore=%' THEN o_ignore := string_to_array(v_value, ',');
            WHEN v_arg LIKE 'pkey=%' THEN o_pkey := string_to_array(v_value, ',');
            WHEN v_arg LIKE 'when=%' THEN o_when := v_value;
            WHEN v_name IN ('ev_type', 'ev_data', 'ev_extra1', 'ev_extra2', 'ev_extra3', 'ev_extra4') AND v_arg <> v_name
                THEN o_fields := o_fields || jsonb_build_object(v_name, v_value);
            ELSE RAISE EXCEPTION 'bad param to pgq trigger: %', v_arg;
        END CASE;
    END LOOP;
END $$;

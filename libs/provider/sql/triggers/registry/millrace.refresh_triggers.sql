-- millrace.refresh_triggers(queue)
-- Purpose:    maintains the set's capture triggers: generates code again for tables that were altered, adds triggers to new
--             partitions, restores triggers that were dropped or disabled, and records changes that may not have been
--             captured as the table's problem. A table in use, or that another session maintains at this moment, is left
--             for the next call. Concurrent calls do no harm.
-- Parameters: i_queue - the set.
-- Returns:    (schema_name, table_name, action, problem) for each table where something was done (action: what) or is
--             wrong (problem).
-- Tables:     millrace.set, millrace.set_table (update); makes and drops functions and triggers.
CREATE OR REPLACE FUNCTION millrace.refresh_triggers(i_queue text, OUT schema_name text, OUT table_name text, OUT action text, OUT problem text)
RETURNS SETOF record
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '100ms' SET client_min_messages = 'warning' AS $$
DECLARE
    v_table record;
    v_found record;
BEGIN
    BEGIN
        PERFORM millrace.point_capture(s.queue_id) FROM millrace.set s WHERE s.queue = i_queue;
    EXCEPTION
        WHEN internal_error OR unique_violation THEN NULL;  -- another session did it; being late is harmless
    END;
    FOR v_table IN
        SELECT t.*, s.queue_id FROM millrace.set_table t JOIN millrace.set s USING (queue)
        WHERE t.queue = i_queue ORDER BY t.schema_name, t.table_name
    LOOP
        schema_name := v_table.schema_name;
        table_name := v_table.table_name;
        action := NULL;
        problem := v_table.problem;
        BEGIN
            SELECT * INTO v_found FROM millrace.refresh_table(i_queue, v_table.queue_id, v_table.relid,
                format('%I.%I', v_table.schema_name, v_table.table_name), v_table.added_at);
            action := v_found.action;
            IF strpos(coalesce(v_table.problem, ''), v_found.problem) = 0 THEN
                problem := concat_ws('; ', v_table.problem, v_found.problem);
                UPDATE millrace.set_table t SET problem = refresh_triggers.problem WHERE t.queue = i_queue AND t.relid = v_table.relid;
            END IF;
        EXCEPTION
            -- The last four: another session makes the same function or trigger.
            WHEN lock_not_available OR deadlock_detected OR internal_error OR unique_violation OR duplicate_function OR duplicate_object THEN
                action := 'in use, later';
        END;
        IF action IS NOT NULL OR problem IS NOT NULL THEN
            RETURN NEXT;
        END IF;
    END LOOP;
END $$;

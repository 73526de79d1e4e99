-- pgq.sqltriga('queue' [, argument ...])
-- Purpose:    row trigger (and statement trigger for TRUNCATE) that writes each change into a queue:
--             ev_type I, U, D or R; ev_data the change as a piece of SQL; ev_extra1 schema.table.
-- Parameters: SKIP, ignore=, pkey=, backup, deny, when=, ev_type=, ev_data=, ev_extra1= .. ev_extra4=.
-- Returns:    NULL after the change, or before it with SKIP: the change itself is left out; else the row.
--             Runs as the writer, who needs the right to call pgq.insert_event. Does nothing in the session role "local".
-- Errors:     as pgq.trigger_plan; primary key update not allowed; as insert_event.
-- Tables:     as pgq.trigger_plan.
CREATE OR REPLACE FUNCTION pgq.sqltriga() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_setting   text;
    v_signature text;
    v_plan      text;
    v_saved     text[];
BEGIN
    IF current_setting('session_replication_role') = 'local' THEN
        RETURN coalesce(NEW, OLD);
    ELSIF TG_LEVEL = 'STATEMENT' AND TG_OP <> 'TRUNCATE' THEN
        RAISE EXCEPTION 'pgq Ins/Upd/Del trigger must be fired FOR EACH ROW';
    END IF;
    v_setting := 'pgq.plan_' || TG_RELID || '_' || md5(TG_NAME || TG_OP);
    v_signature := concat_ws(' ', TG_WHEN, TG_ARGV, pgq.table_shape(TG_RELID)) || E'\n';
    v_plan := current_setting(v_setting, true);
    IF v_plan IS NULL OR NOT starts_with(v_plan, v_signature) THEN
        v_plan := set_config(v_setting, v_signature || pgq.trigger_plan('sql', TG_RELID, TG_OP, TG_WHEN, TG_ARGV), false);
    END IF;
    v_plan := substr(v_plan, length(v_signature) + 1);
    IF v_plan LIKE '_P%' THEN
        v_saved := pgq.pin_settings();
        IF v_plan LIKE '__X%' THEN
            PERFORM set_config('search_path', format('pg_catalog, %I, public, pg_temp', TG_TABLE_SCHEMA), true);
        END IF;
    END IF;
    IF TG_OP = 'UPDATE' THEN
        EXECUTE substr(v_plan, 4) USING NEW, OLD, TG_ARGV[0];
    ELSIF TG_OP = 'DELETE' THEN
        EXECUTE substr(v_plan, 4) USING OLD, NULL, TG_ARGV[0];
    ELSE
        EXECUTE substr(v_plan, 4) USING NEW, NULL, TG_ARGV[0];
    END IF;
    IF v_saved IS NOT NULL THEN
        PERFORM pgq.restore_settings(v_saved);
    END IF;
    IF TG_WHEN = 'AFTER' OR TG_OP = 'TRUNCATE' OR v_plan LIKE 'S%' THEN
        RETURN NULL;
    ELSIF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    RETURN NEW;
END $$;

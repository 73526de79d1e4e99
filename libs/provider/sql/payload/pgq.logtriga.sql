-- pgq.logtriga('queue', 'columns' [, 'table'])
-- Purpose:    the oldest of the row triggers: sqltriga's events, with one letter for each of the table's columns: k key,
--             v value, i ignored.
-- Parameters: the letters, in the columns' order; columns without a letter are ignored. The third was a name once and has no effect.
-- Returns:    NULL. AFTER only. Errors: need at least one key column; key column does not exist; as sqltriga.
-- Tables:     as pgq.trigger_statement.
CREATE OR REPLACE FUNCTION pgq.logtriga() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_plan  text;
    v_saved text[];
BEGIN
    IF TG_WHEN <> 'AFTER' THEN
        RAISE EXCEPTION 'pgq.logtriga must be fired AFTER';
    ELSIF TG_NARGS NOT IN (2, 3) THEN
        RAISE EXCEPTION 'pgq.logtriga must be used with 2 or 3 args';
    ELSIF current_setting('session_replication_role') = 'local' THEN
        RETURN NULL;
    END IF;
    v_plan := pgq.trigger_statement('letters', TG_RELID, TG_NAME, TG_OP, TG_WHEN, TG_ARGV);
    IF v_plan LIKE '_P%' THEN
        v_saved := pgq.pin_settings();
    END IF;
    EXECUTE substr(v_plan, 4) USING coalesce(NEW, OLD), OLD, TG_ARGV[0];
    IF v_saved IS NOT NULL THEN
        PERFORM pgq.restore_settings(v_saved);
    END IF;
    RETURN NULL;
END $$;

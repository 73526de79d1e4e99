-- millrace.remove_table(queue, schema, name)
-- Purpose:    takes a table out of the set: its capture triggers and functions go, its rows stay. Works for a table that
--             has been dropped or renamed meanwhile.
-- Parameters: i_queue - the set; i_schema, i_name - the name under which it was added.
-- Returns:    true removed, false was not there.
-- Errors:     the table is in use (55P03, after 100 ms of waiting: try again).
-- Tables:     millrace.set_table (delete); drops functions and triggers.
CREATE OR REPLACE FUNCTION millrace.remove_table(i_queue text, i_schema text, i_name text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '100ms' SET client_min_messages = 'warning' AS $$
DECLARE
    v_rel oid;
    v_id  integer;
BEGIN
    SELECT s.queue_id INTO v_id FROM millrace.set s WHERE s.queue = i_queue FOR NO KEY UPDATE;
    DELETE FROM millrace.set_table t WHERE t.queue = i_queue AND t.schema_name = i_schema AND t.table_name = i_name
    RETURNING t.relid INTO v_rel;
    IF v_rel IS NULL THEN
        RETURN false;
    END IF;
    PERFORM millrace.drop_capture(v_id, v_rel, NULL);
    IF NOT EXISTS (SELECT FROM millrace.set_table t WHERE t.queue = i_queue) THEN
        EXECUTE format('DROP FUNCTION IF EXISTS millrace.%I()', 'current_table_' || v_id);
    END IF;
    PERFORM millrace.note(i_queue, 'remove table', jsonb_build_object('schema', i_schema, 'name', i_name));
    RETURN true;
END $$;

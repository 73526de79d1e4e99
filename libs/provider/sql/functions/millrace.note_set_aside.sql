-- millrace.note_set_aside(queue, tables)
-- Purpose:    records that capture set aside events of these tables because they cannot be read: changes of them may be missing at
--             the subscribers. The table's problem says so until it is added again.
-- Parameters: i_tables - [[schema, name], ...] as JSON; NULL: it is not known of which, so all of the set.
-- Returns:    how many tables have the problem newly.
-- Tables:     millrace.set_table (update).
CREATE OR REPLACE FUNCTION millrace.note_set_aside(i_queue text, i_tables jsonb) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_text  CONSTANT text := 'an event of its changes in the queue could not be read and was set aside';
    v_count integer;
BEGIN
    UPDATE millrace.set_table t
    SET problem = concat_ws('; ', t.problem, format('%s: the subscribers may differ: compare the table, copy it again if it differs '
        '(millrace resync %2$I.%3$I --yes), then clear this problem with millrace add %2$I.%3$I', v_text, t.schema_name, t.table_name))
    WHERE t.queue = i_queue AND strpos(coalesce(t.problem, ''), v_text) = 0
      AND (i_tables IS NULL OR i_tables @> jsonb_build_array(jsonb_build_array(t.schema_name, t.table_name)));
    GET DIAGNOSTICS v_count = ROW_COUNT;
    RETURN v_count;
END $$;

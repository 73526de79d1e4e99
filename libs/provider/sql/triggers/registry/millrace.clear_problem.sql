-- millrace.clear_problem(queue, schema, name)
-- Purpose:    forgets a table's recorded problem; called when a new copy has made it good.
-- Parameters: i_queue - the set; i_schema, i_name - the registered name.
-- Returns:    true when there was one.
-- Tables:     millrace.set_table (update).
CREATE OR REPLACE FUNCTION millrace.clear_problem(i_queue text, i_schema text, i_name text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE millrace.set_table t SET problem = NULL
    WHERE t.queue = i_queue AND t.schema_name = i_schema AND t.table_name = i_name AND t.problem IS NOT NULL;
    RETURN FOUND;
END $$;

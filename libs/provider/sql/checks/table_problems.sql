-- Purpose:    check `table-problems`: no table has a recorded problem: changes that were not captured.
-- Parameters: $1 queue.
-- Returns:    rows (level, object, message, fix).
-- Reads:      millrace.set_table, pg_class.
SELECT 'error' AS level, format('%I.%I', t.schema_name, t.table_name) AS object, t.problem AS message,
  format('millrace add %I.%I', t.schema_name, t.table_name) AS fix
FROM millrace.set_table t
WHERE t.queue = $1 AND t.problem IS NOT NULL AND EXISTS (SELECT FROM pg_class c WHERE c.oid = t.relid)
ORDER BY 2

-- Purpose:    check `followed-tables`: every table that is followed at this subscriber exists, and its copy is not held.
-- Parameters: $1 queue, $2 subscriber.
-- Returns:    rows (level, object, message, fix).
-- Reads:      millrace.subscribed_table, pg_class.
SELECT 'error' AS level, format('%I.%I', t.schema_name, t.table_name) AS object,
  CASE WHEN to_regclass(format('%I.%I', t.schema_name, t.table_name)) IS NULL THEN 'is followed and does not exist there'
    ELSE format('is held: %s', coalesce(t.error, 'its copy could not be loaded')) END AS message,
  CASE WHEN to_regclass(format('%I.%I', t.schema_name, t.table_name)) IS NULL
    THEN format('millrace remove %I.%I --subscriber %s', t.schema_name, t.table_name, $2::text)
    ELSE format('millrace add %I.%I', t.schema_name, t.table_name) END AS fix
FROM millrace.subscribed_table t
WHERE t.queue = $1 AND (t.state = 'held' OR to_regclass(format('%I.%I', t.schema_name, t.table_name)) IS NULL)
ORDER BY 2

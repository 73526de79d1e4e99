-- Purpose:    check `replica-role`: replay may switch foreign keys and triggers off. Before 15 no grant gives that right.
-- Parameters: $1 true: it may, as was tried.
-- Returns:    rows (level, object, message, fix).
SELECT 'warning' AS level, current_user AS object,
  'may not set session_replication_role: foreign keys and triggers stay on, tables are applied in foreign-key order, slower and not for every change' AS message,
  CASE WHEN current_setting('server_version_num')::int >= 150000
    THEN format('GRANT SET ON PARAMETER session_replication_role TO %I', current_user) END AS fix
WHERE NOT $1::boolean

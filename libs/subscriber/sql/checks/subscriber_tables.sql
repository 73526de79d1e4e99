-- Purpose:    check `subscriber-tables`: the followed tables can take rows.
-- Parameters: $1 tables, as JSON [[schema, name], ...].
-- Returns:    rows (level, object, message, fix).
-- Reads:      pg_class, pg_namespace, pg_partition_tree.
WITH asked AS (
  SELECT c.*, c.oid::regclass::text AS label
  FROM json_array_elements($1::json) AS t(at)
  JOIN pg_namespace n ON n.nspname = t.at ->> 0
  JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = t.at ->> 1
)
SELECT 'error' AS level, label AS object, format('has row security, which hides rows from role %I', current_user) AS message,
  CASE WHEN pg_has_role(relowner, 'USAGE') THEN format('ALTER TABLE %s NO FORCE ROW LEVEL SECURITY', label)
    ELSE format('ALTER ROLE %I BYPASSRLS', current_user) END AS fix
FROM asked WHERE relkind IN ('r', 'p') AND row_security_active(oid)
UNION ALL
SELECT 'warning', label, 'is unlogged there: a crash empties it, and then it has to be copied again', format('ALTER TABLE %s SET LOGGED', label)
FROM asked WHERE relkind = 'r' AND relpersistence = 'u'
UNION ALL
SELECT CASE WHEN EXISTS (SELECT FROM pg_inherits i WHERE i.inhparent = a.oid) THEN 'warning' ELSE 'error' END, label,
  CASE WHEN EXISTS (SELECT FROM pg_inherits i WHERE i.inhparent = a.oid)
    THEN 'has no default partition there: a row that fits no partition stops replication'
    ELSE 'has no partition there: it can take no row' END,
  format('CREATE TABLE %I.%I PARTITION OF %s DEFAULT', n.nspname, left(a.relname, 50) || '_default', label)
FROM asked a JOIN pg_namespace n ON n.oid = a.relnamespace JOIN pg_partitioned_table p ON p.partrelid = a.oid
WHERE p.partdefid = 0 AND p.partstrat <> 'h'
ORDER BY 2

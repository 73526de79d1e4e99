-- Purpose:    check `set-sequences`: every sequence of the set is there and may be read.
-- Parameters: $1 queue.
-- Returns:    rows (level, object, message, fix).
-- Reads:      millrace.set_sequence, pg_class.
WITH found AS (
  SELECT s.*, format('%I.%I', s.schema_name, s.sequence_name) AS label,
    to_regclass(format('%I.%I', s.schema_name, s.sequence_name)) AS now
  FROM millrace.set_sequence s WHERE s.queue = $1
)
SELECT 'error' AS level, label AS object, 'was dropped at the provider and is still in the set' AS message,
  'millrace remove-seq ' || label AS fix
FROM found f WHERE now IS NULL AND NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = f.relid AND c.relkind = 'S')
UNION ALL
SELECT 'error', label, 'may not be read by the owner of schema millrace: its values are not replicated',
  format('GRANT SELECT ON SEQUENCE %s TO %I', now, o.owner)
FROM found, (SELECT pg_get_userbyid(n.nspowner) AS owner FROM pg_namespace n WHERE n.nspname = 'millrace') o
WHERE now IS NOT NULL AND NOT has_sequence_privilege(o.owner, now::oid, 'SELECT')

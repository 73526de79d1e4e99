-- Purpose:    check `subscriber-sequences`: followed sequences are there and may be set.
-- Parameters: $1 queue.
-- Returns:    rows (level, object, message, fix).
-- Reads:      millrace.subscribed_sequence, pg_class, pg_sequence.
WITH found AS (
  SELECT format('%I.%I', s.schema_name, s.sequence_name) AS label, to_regclass(format('%I.%I', s.schema_name, s.sequence_name)) AS now
  FROM millrace.subscribed_sequence s WHERE s.queue = $1
)
SELECT 'error' AS level, label AS object, 'is followed and does not exist there' AS message, format('CREATE SEQUENCE %s', label) AS fix
FROM found WHERE now IS NULL
UNION ALL
SELECT 'error', label, format('may not be set by role %I', current_user), format('GRANT UPDATE ON SEQUENCE %s TO %I', now, current_user)
FROM found WHERE now IS NOT NULL AND NOT has_sequence_privilege(now::oid, 'UPDATE')
UNION ALL
SELECT 'warning', label, format('has CACHE %s there: a session that took numbers ahead goes on with them after replay has set it', q.seqcache),
  format('ALTER SEQUENCE %s CACHE 1', now)
FROM found JOIN pg_sequence q ON q.seqrelid = now::oid WHERE q.seqcache > 1
ORDER BY 2

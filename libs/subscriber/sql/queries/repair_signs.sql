-- Purpose:    a text that changes when something was done at this subscriber that may let a batch in that was refused: the followed
--             tables were altered, their rows written, or functions, domains or memberships of roles changed.
-- Parameters: $1 queue.
-- Returns:    one row (signs).
-- Reads:      millrace.subscribed_table, pg_class, pg_attribute, pg_constraint, pg_trigger, pg_index, pg_proc, pg_type, pg_auth_members,
--             counters of written rows. Writes of an attempt that was rolled back count too, a moment after it.
WITH named AS (
  SELECT c.oid FROM millrace.subscribed_table t
  JOIN pg_namespace n ON n.nspname = t.schema_name
  JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = t.table_name
  WHERE t.queue = $1
), part AS (
  SELECT oid FROM named UNION SELECT p.relid FROM named CROSS JOIN LATERAL pg_partition_tree(named.oid) p
), sign (v) AS (
  SELECT format('c %s %s %s %s', c.oid, c.xmin, n.xmin,
    pg_stat_get_tuples_inserted(c.oid) + pg_stat_get_tuples_updated(c.oid) + pg_stat_get_tuples_deleted(c.oid))
  FROM part JOIN pg_class c USING (oid) JOIN pg_namespace n ON n.oid = c.relnamespace
  UNION ALL SELECT format('a %s %s %s', a.attrelid, a.attnum, a.xmin) FROM part JOIN pg_attribute a ON a.attrelid = part.oid AND a.attnum > 0
  UNION ALL SELECT format('k %s %s', k.oid, k.xmin) FROM pg_constraint k WHERE k.contypid <> 0 OR k.conrelid IN (SELECT oid FROM part)
  UNION ALL SELECT format('g %s %s', g.oid, g.xmin) FROM part JOIN pg_trigger g ON g.tgrelid = part.oid
  UNION ALL SELECT format('i %s %s', i.indexrelid, i.xmin) FROM part JOIN pg_index i ON i.indrelid = part.oid
  UNION ALL SELECT format('f %s %s', f.oid, f.xmin) FROM pg_proc f WHERE f.oid >= 16384 AND f.pronamespace <> pg_my_temp_schema()
  UNION ALL SELECT format('t %s %s', t.oid, t.xmin) FROM pg_type t WHERE t.oid >= 16384 AND t.typtype IN ('d', 'e', 'r')
  UNION ALL SELECT format('m %s %s %s', m.roleid, m.member, m.xmin) FROM pg_auth_members m
)
SELECT md5(string_agg(v, ',' ORDER BY v)) AS signs FROM sign

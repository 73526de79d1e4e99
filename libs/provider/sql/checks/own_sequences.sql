-- Purpose:    check `own-sequences`: the sequences of serial and identity columns are followed with their tables. If not, the
--             first row that is inserted at a subscriber takes a number that is in use.
-- Parameters: $1 queue.
-- Returns:    rows (level, object, message, fix).
-- Reads:      millrace.set_table, millrace.set_sequence, pg_depend, pg_class.
SELECT 'warning' AS level, q.oid::regclass::text AS object,
  format('gives the numbers of a column of %s and is not followed: a subscriber that is to be written to one day would begin at the wrong number', t.relid::regclass) AS message,
  format('millrace add-seq %s', q.oid::regclass) AS fix
FROM millrace.set_table t
JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = t.relid AND d.refobjsubid > 0
  AND d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
JOIN pg_class q ON q.oid = d.objid AND q.relkind = 'S'
JOIN pg_namespace n ON n.oid = q.relnamespace
WHERE t.queue = $1 AND NOT EXISTS (
  SELECT FROM millrace.set_sequence s WHERE s.queue = $1 AND s.schema_name = n.nspname AND s.sequence_name = q.relname)
ORDER BY 2

-- Purpose:    check `capture-triggers`: every trigger that records changes is there and switched on.
-- Parameters: $1 queue.
-- Returns:    rows (level, object, message, fix, schema_name, table_name), one for each table of the set or partition of one.
-- Reads:      millrace.set, millrace.set_table, pg_class, pg_inherits, pg_trigger.
WITH member AS (
  SELECT s.queue_id, t.schema_name, t.table_name, t.relid AS root, c.oid AS rel, c.relkind
  FROM millrace.set_table t JOIN millrace.set s USING (queue) JOIN pg_class c ON c.oid = t.relid
  WHERE t.queue = $1
  UNION ALL
  SELECT s.queue_id, t.schema_name, t.table_name, t.relid, p.relid, c.relkind
  FROM millrace.set_table t JOIN millrace.set s USING (queue)
  JOIN pg_class r ON r.oid = t.relid AND r.relkind = 'p'
  CROSS JOIN LATERAL pg_partition_tree(t.relid) p JOIN pg_class c ON c.oid = p.relid
  WHERE t.queue = $1 AND p.relid <> t.relid
), wanted AS (
  SELECT m.*, format('capture_%s_%s_%s_%s', m.queue_id, m.root, m.rel, o.op) AS trigger_name
  FROM member m CROSS JOIN (VALUES ('i'), ('u'), ('d'), ('t'), ('b')) AS o(op)
  WHERE o.op IN ('i', 'u', 'd') OR (o.op = 't' AND m.rel = m.root)
     OR (o.op = 'b' AND CASE WHEN m.rel = m.root THEN m.relkind = 'p' ELSE m.relkind <> 'p' END)
)
, lost AS (
  SELECT w.schema_name, w.table_name, w.root, w.rel,
    count(*) FILTER (WHERE g.oid IS NULL) AS missing, count(*) FILTER (WHERE g.tgenabled NOT IN ('O', 'A')) AS disabled,
    -- A partition that was never seen: it has no trigger functions either.
    w.rel <> w.root AND NOT bool_or(EXISTS (
      SELECT FROM pg_proc p WHERE p.pronamespace = 'millrace'::regnamespace AND p.proname = w.trigger_name)) AS is_new
  FROM wanted w LEFT JOIN pg_trigger g ON g.tgrelid = w.rel AND g.tgname = w.trigger_name
  WHERE g.oid IS NULL OR g.tgenabled NOT IN ('O', 'A')
  GROUP BY w.schema_name, w.table_name, w.root, w.rel
)
SELECT 'error' AS level, format('%I.%I', schema_name, table_name) AS object,
  format('has capture triggers that are gone or switched off%s (%s missing, %s disabled): changes are not recorded; the ticker puts them back, and the table has to be copied again',
    CASE WHEN rel <> root THEN format(' on its partition %s', rel::regclass) ELSE '' END, missing, disabled) AS message,
  format('millrace add %I.%I', schema_name, table_name) AS fix, schema_name, table_name
FROM lost WHERE NOT is_new
UNION ALL
SELECT 'warning', format('%I.%I', schema_name, table_name),
  format('has a new partition %s whose changes are not recorded yet; the ticker sees to it within seconds', rel::regclass),
  format('SELECT millrace.refresh_triggers(%L)', $1), schema_name, table_name
FROM lost WHERE is_new
ORDER BY 2

-- Purpose:    check `subscriber-triggers`: no trigger or rule at the subscriber fires for replicated rows by mistake.
-- Parameters: $1 tables, as JSON [[schema, name], ...]; $2 true: replay runs as replica, so that ordinary triggers stay silent.
-- Returns:    rows (level, object, message, fix).
-- Reads:      pg_trigger, pg_rewrite, pg_partition_tree.
WITH asked AS (
  SELECT DISTINCT r.oid
  FROM json_array_elements($1::json) AS t(at)
  JOIN pg_namespace n ON n.nspname = t.at ->> 0
  JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = t.at ->> 1
  CROSS JOIN LATERAL (SELECT c.oid UNION SELECT p.relid FROM pg_partition_tree(c.oid) p) r
)
SELECT 'warning' AS level, format('trigger %I on %s', g.tgname, g.tgrelid::regclass) AS object,
  CASE g.tgenabled WHEN 'A' THEN 'is ENABLE ALWAYS' WHEN 'R' THEN 'is ENABLE REPLICA' ELSE 'is enabled, and replay may not switch it off' END
    || ': it fires for every replicated row as well' AS message,
  format(CASE g.tgenabled WHEN 'O' THEN 'ALTER TABLE %s DISABLE TRIGGER %I' ELSE 'ALTER TABLE %s ENABLE TRIGGER %I' END,
    g.tgrelid::regclass, g.tgname) AS fix
FROM asked a JOIN pg_trigger g ON g.tgrelid = a.oid JOIN pg_proc f ON f.oid = g.tgfoid
WHERE NOT g.tgisinternal AND f.pronamespace NOT IN (SELECT n.oid FROM pg_namespace n WHERE n.nspname = 'millrace')
  AND g.tgparentid = 0
  AND (g.tgenabled IN ('A', 'R') OR (g.tgenabled = 'O' AND NOT $2::boolean))
UNION ALL
SELECT 'error', format('rule %I on %s', r.rulename, r.ev_class::regclass),
  CASE r.ev_enabled WHEN 'A' THEN 'is ENABLE ALWAYS' WHEN 'R' THEN 'is ENABLE REPLICA' ELSE 'is enabled, and replay may not switch it off' END
    || ': it rewrites what replay does',
  format(CASE r.ev_enabled WHEN 'O' THEN 'ALTER TABLE %s DISABLE RULE %I' ELSE 'ALTER TABLE %s ENABLE RULE %I' END, r.ev_class::regclass, r.rulename)
FROM asked a JOIN pg_rewrite r ON r.ev_class = a.oid
WHERE r.ev_type <> '1' AND (r.ev_enabled IN ('A', 'R') OR (r.ev_enabled = 'O' AND NOT $2::boolean))
ORDER BY 2

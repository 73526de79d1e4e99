-- Purpose:    check `foreign-keys`: what foreign keys at the subscriber point to is replicated too, and they form no cycle where
--             replay may not switch them off.
-- Parameters: $1 tables followed there, as JSON [[schema, name], ...]; $2 true: replay switches them off; $3 tables to judge, likewise.
-- Returns:    rows (level, object, message, fix).
-- Reads:      pg_constraint, pg_class, pg_namespace.
WITH RECURSIVE followed AS (
  SELECT DISTINCT c.oid
  FROM json_array_elements($1::json) AS t(at)
  JOIN pg_namespace n ON n.nspname = t.at ->> 0
  JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = t.at ->> 1
), judged AS (
  SELECT DISTINCT c.oid
  FROM json_array_elements($3::json) AS t(at)
  JOIN pg_namespace n ON n.nspname = t.at ->> 0
  JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = t.at ->> 1
), fk AS (
  SELECT k.oid, k.conname, k.conrelid, k.confrelid FROM pg_constraint k WHERE k.contype = 'f' AND k.conparentid = 0
), reach (start, at, path) AS (
  SELECT fk.conrelid, fk.confrelid, ARRAY[fk.conrelid]
  FROM fk WHERE NOT $2::boolean AND fk.conrelid <> fk.confrelid AND fk.conrelid IN (SELECT oid FROM followed)
  UNION ALL
  SELECT r.start, fk.confrelid, r.path || r.at
  FROM reach r JOIN fk ON fk.conrelid = r.at
  WHERE r.at IN (SELECT oid FROM followed) AND NOT r.at = ANY (r.path)
)
SELECT 'warning' AS level, format('%s of %s', quote_ident(fk.conname), fk.conrelid::regclass) AS object,
  format('points to %s, which is not replicated here: rows may point to nothing', fk.confrelid::regclass) AS message,
  format('millrace add %s', fk.confrelid::regclass) AS fix
FROM fk WHERE fk.conrelid IN (SELECT oid FROM judged) AND fk.confrelid NOT IN (SELECT oid FROM followed)
UNION ALL
SELECT 'warning', format('%s of %s', quote_ident(fk.conname), fk.conrelid::regclass),
  format('of a table that is not replicated points to %s, which is: a row that is deleted at the provider leaves it pointing to nothing', fk.confrelid::regclass),
  format('ALTER TABLE %s DROP CONSTRAINT %I', fk.conrelid::regclass, fk.conname)
FROM fk WHERE fk.confrelid IN (SELECT oid FROM judged) AND fk.conrelid NOT IN (SELECT oid FROM followed)
UNION ALL
SELECT 'error', min(r.start::regclass::text), format('is part of a cycle of foreign keys (%s), which replay may not switch off: it cannot apply its rows in any order',
    string_agg(DISTINCT r.start::regclass::text, ', ')),
  format('GRANT SET ON PARAMETER session_replication_role TO %I', current_user)
FROM reach r WHERE r.start = r.at AND r.start IN (SELECT oid FROM judged)
HAVING count(*) > 0
ORDER BY 2

-- Purpose:    check `replicable`: these tables of the provider can be replicated.
-- Parameters: $1 tables, as JSON [[schema, name], ...].
-- Returns:    rows (level, object, message, fix).
-- Reads:      catalogs, also through millrace.check_table.
WITH asked AS (
  SELECT c.*, format('%I.%I', t.at ->> 0, t.at ->> 1) AS label, c.oid::regclass::text AS sql_name,
    k.refusal, k.key, k.acts_as
  FROM json_array_elements($1::json) AS t(at)
  JOIN pg_namespace n ON n.nspname = t.at ->> 0
  JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = t.at ->> 1
  CROSS JOIN LATERAL millrace.check_table(c.oid) AS k
), late_key AS (
  SELECT a.oid, format('ALTER TABLE %s DROP CONSTRAINT %I, ADD PRIMARY KEY (%s)', a.sql_name, k.conname, (
      SELECT string_agg(quote_ident(c.attname), ', ' ORDER BY p.n)
      FROM unnest(k.conkey) WITH ORDINALITY AS p(num, n) JOIN pg_attribute c ON c.attrelid = a.oid AND c.attnum = p.num)) AS fix
  FROM asked a JOIN pg_constraint k ON k.conrelid = a.oid AND k.contype = 'p' AND k.condeferrable
), loose_key AS (
  -- A unique index that would do if its columns were NOT NULL.
  SELECT DISTINCT ON (a.oid) a.oid, format('ALTER TABLE %s %s', a.sql_name, (
      SELECT string_agg(format('ALTER %I SET NOT NULL', c.attname), ', ' ORDER BY c.attnum)
      FROM pg_attribute c WHERE c.attrelid = a.oid AND c.attnum = ANY (i.indkey::int2[]) AND NOT c.attnotnull)) AS fix
  FROM asked a JOIN pg_index i ON i.indrelid = a.oid AND i.indisunique AND i.indimmediate AND i.indisvalid
    AND i.indpred IS NULL AND i.indexprs IS NULL
  ORDER BY a.oid, i.indnkeyatts, i.indexrelid
)
SELECT 'error' AS level, a.label AS object, 'cannot be replicated: ' || a.refusal AS message,
  CASE
    WHEN a.relkind NOT IN ('r', 'p') THEN NULL
    WHEN a.relpersistence = 'u' THEN format('ALTER TABLE %s SET LOGGED', a.sql_name)
    WHEN a.relispartition THEN 'millrace add ' || (
      SELECT r.id::regclass::text FROM pg_partition_ancestors(a.oid) WITH ORDINALITY AS r(id, n) ORDER BY r.n DESC LIMIT 1)
    WHEN EXISTS (SELECT FROM pg_inherits h WHERE h.inhrelid = a.oid) THEN (
      SELECT format('ALTER TABLE %s NO INHERIT %s', a.sql_name, h.inhparent::regclass) FROM pg_inherits h WHERE h.inhrelid = a.oid LIMIT 1)
    WHEN a.relkind = 'r' AND EXISTS (SELECT FROM pg_inherits h WHERE h.inhparent = a.oid) THEN (
      SELECT format('ALTER TABLE %s NO INHERIT %s', h.inhrelid::regclass, a.sql_name) FROM pg_inherits h WHERE h.inhparent = a.oid LIMIT 1)
    WHEN l.fix IS NOT NULL THEN l.fix
    WHEN a.key IS NULL THEN coalesce(u.fix,
      (SELECT format('ALTER TABLE %s ADD PRIMARY KEY (%I)', a.sql_name, c.attname) FROM pg_attribute c
       WHERE c.attrelid = a.oid AND c.attnum > 0 AND NOT c.attisdropped AND c.attname = 'id'),
      format('ALTER TABLE %s ADD COLUMN %I bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY', a.sql_name, a.relname || '_key'))
    WHEN NOT has_table_privilege(a.acts_as, a.oid, 'SELECT') OR NOT has_table_privilege(a.acts_as, a.oid, 'TRIGGER') THEN
      format('GRANT SELECT, TRIGGER ON %s TO %I', a.sql_name, a.acts_as)
    WHEN a.relrowsecurity THEN format('ALTER ROLE %I BYPASSRLS', a.acts_as)
  END AS fix
FROM asked a LEFT JOIN late_key l USING (oid) LEFT JOIN loose_key u USING (oid)
WHERE a.refusal IS NOT NULL
ORDER BY 2

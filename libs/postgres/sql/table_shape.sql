-- Purpose:    what a comparison must know of a table, at either side, in the session that will read its rows.
-- Parameters: $1 schema, $2 name, as in the catalog.
-- Returns:    one row `shape` (json), none when there is no such table in the session's snapshot. `plain`: its cast to text
--             is its output. `filesThen`, `filesNow`: the files that hold the rows in the snapshot and in this moment; other
--             files mean that the table was truncated or written anew since, and an older snapshot finds nothing in them.
-- Reads:      pg_class, pg_namespace, pg_attribute, pg_type, pg_inherits as of the snapshot; the present through functions.
WITH RECURSIVE root AS (
  SELECT c.oid, c.relkind, c.relfilenode FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p')
), part (oid) AS (
  SELECT oid FROM root
  UNION ALL
  SELECT i.inhrelid FROM part JOIN pg_inherits i ON i.inhparent = part.oid WHERE (SELECT relkind FROM root) = 'p'
), base (attnum, type) AS (
  SELECT a.attnum, a.atttypid FROM pg_attribute a JOIN root ON a.attrelid = root.oid WHERE a.attnum > 0 AND NOT a.attisdropped
  UNION ALL
  SELECT b.attnum, t.typbasetype FROM base b JOIN pg_type t ON t.oid = b.type WHERE t.typtype = 'd'
)
SELECT json_build_object(
  'partitioned', root.relkind = 'p',
  'encoding', getdatabaseencoding(),
  'rowSecurity', row_security_active(root.oid),
  'columns', coalesce((
    SELECT json_agg(json_build_object(
        'name', a.attname, 'type', format_type(a.atttypid, -1), 'generated', a.attgenerated <> '',
        'identityAlways', a.attidentity = 'a',
        'plain', t.typnamespace = 'pg_catalog'::regnamespace AND t.typname IN ('int2', 'int4', 'int8', 'oid', 'uuid', 'text',
          'varchar', 'numeric', 'date', 'time', 'timestamp', 'timestamptz', 'bytea')) ORDER BY a.attnum)
    FROM pg_attribute a JOIN base b USING (attnum) JOIN pg_type t ON t.oid = b.type AND t.typtype <> 'd'
    WHERE a.attrelid = root.oid), '[]'),
  'filesThen', (SELECT string_agg(format('%s %s', c.oid, c.relfilenode), ',' ORDER BY c.oid)
    FROM part JOIN pg_class c ON c.oid = part.oid WHERE c.relkind <> 'p'),
  'filesNow', CASE WHEN root.relkind = 'p'
    THEN (SELECT string_agg(format('%s %s', p.relid::oid, coalesce(pg_relation_filenode(p.relid), 0)), ',' ORDER BY p.relid::oid)
      FROM pg_partition_tree(root.oid) p WHERE p.isleaf AND p.relid <> root.oid)
    ELSE format('%s %s', root.oid, coalesce(pg_relation_filenode(root.oid), 0)) END
)::text AS shape
FROM root

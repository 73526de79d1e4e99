-- Purpose:    the statements that make a table like this one in another database.
-- Parameters: $1 schema, $2 name, as in the catalog; $3 the other server's server_version_num.
-- Returns:    rows (step int, statement text), in order. step 1 schema, 2 sequences of serial columns, 3 the table,
--             4 their ownership, 5 primary key, unique, check and exclusion constraints, 6 further unique indexes,
--             7 foreign keys (which the caller may have to leave out).
--             Not among them: other indexes, triggers, row security, owner, grants, storage. A default that takes a
--             number from a sequence of another table is left out. A partitioned table becomes a plain one.
-- Reads:      pg_class, pg_namespace, pg_attribute, pg_attrdef, pg_depend, pg_sequence, pg_constraint, pg_index.
-- Needs:      search_path without user schemas, so that every name in an expression is written with its schema.
WITH rel AS (
  SELECT c.oid, n.nspname, format('%I.%I', n.nspname, c.relname) AS name
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = $1 AND c.relname = $2
), owned AS (
  SELECT d.refobjsubid AS attnum, d.deptype, s.seqtypid, format('%I.%I', n.nspname, q.relname) AS name
  FROM rel
  JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = rel.oid AND d.refobjsubid > 0
    AND d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
  JOIN pg_class q ON q.oid = d.objid AND q.relkind = 'S'
  JOIN pg_namespace n ON n.oid = q.relnamespace
  JOIN pg_sequence s ON s.seqrelid = q.oid
), col AS (
  SELECT a.attnum, a.attname, a.attnotnull, a.attidentity, a.attgenerated,
    format_type(a.atttypid, a.atttypmod) AS type,
    pg_get_expr(e.adbin, e.adrelid) AS expression,
    (SELECT format(' COLLATE %I.%I', cn.nspname, co.collname)
     FROM pg_collation co JOIN pg_namespace cn ON cn.oid = co.collnamespace
     JOIN pg_type t ON t.oid = a.atttypid
     WHERE co.oid = a.attcollation AND a.attcollation <> t.typcollation) AS own_collation,
    (SELECT o.name FROM owned o WHERE o.attnum = a.attnum AND o.deptype = 'i' LIMIT 1) AS identity_sequence,
    -- A default that uses a sequence of somebody else.
    EXISTS (
      SELECT FROM pg_depend d JOIN pg_class q ON q.oid = d.refobjid AND q.relkind = 'S'
      WHERE d.classid = 'pg_attrdef'::regclass AND d.objid = e.oid AND d.refclassid = 'pg_class'::regclass
        AND NOT EXISTS (
          SELECT FROM pg_depend o WHERE o.classid = 'pg_class'::regclass AND o.objid = q.oid AND o.deptype = 'a'
            AND o.refobjid = rel.oid AND o.refobjsubid = a.attnum)
    ) AS foreign_sequence
  FROM rel
  JOIN pg_attribute a ON a.attrelid = rel.oid AND a.attnum > 0 AND NOT a.attisdropped
  LEFT JOIN pg_attrdef e ON e.adrelid = rel.oid AND e.adnum = a.attnum
), line AS (
  SELECT attnum, format('%I %s%s', attname, type, coalesce(own_collation, '')) || CASE
      WHEN attgenerated <> '' THEN format(' GENERATED ALWAYS AS (%s) %s', expression,
        CASE WHEN attgenerated = 'v' AND $3::int >= 180000 THEN 'VIRTUAL' ELSE 'STORED' END)
      WHEN attidentity <> '' THEN format(' GENERATED %s AS IDENTITY',
        CASE attidentity WHEN 'a' THEN 'ALWAYS' ELSE 'BY DEFAULT' END)
        || coalesce(format(' (SEQUENCE NAME %s)', identity_sequence), '')
      WHEN expression IS NOT NULL AND NOT foreign_sequence THEN format(' DEFAULT %s', expression)
      ELSE ''
    END || CASE WHEN attnotnull THEN ' NOT NULL' ELSE '' END AS text
  FROM col
)
SELECT step, statement FROM (
  SELECT 1 AS step, '' AS ord, format('CREATE SCHEMA IF NOT EXISTS %I', nspname) AS statement FROM rel
  UNION ALL
  SELECT 2, name, format('CREATE SEQUENCE IF NOT EXISTS %s AS %s', name, format_type(seqtypid, NULL))
  FROM owned WHERE deptype = 'a'
  UNION ALL
  SELECT 3, '', format('CREATE TABLE %s (%s)', rel.name,
    (SELECT string_agg(text, ', ' ORDER BY attnum) FROM line)) FROM rel
  UNION ALL
  SELECT 4, owned.name, format('ALTER SEQUENCE %s OWNED BY %s.%I', owned.name, rel.name, col.attname)
  FROM rel CROSS JOIN owned JOIN col USING (attnum) WHERE owned.deptype = 'a'
  UNION ALL
  SELECT CASE con.contype WHEN 'f' THEN 7 ELSE 5 END,
    CASE con.contype WHEN 'p' THEN '0' WHEN 'u' THEN '1' ELSE '2' END || con.conname,
    format('ALTER TABLE %s ADD CONSTRAINT %I %s', rel.name, con.conname, pg_get_constraintdef(con.oid))
  FROM rel JOIN pg_constraint con ON con.conrelid = rel.oid AND con.contype IN ('p', 'u', 'x', 'c', 'f')
    AND con.conparentid = 0
  UNION ALL
  SELECT 6, i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid)
  FROM rel JOIN pg_index i ON i.indrelid = rel.oid AND i.indisunique AND i.indisvalid
    AND NOT EXISTS (SELECT FROM pg_constraint con WHERE con.conindid = i.indexrelid AND con.contype IN ('p', 'u', 'x'))
) steps
ORDER BY step, ord

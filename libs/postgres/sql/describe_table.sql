-- Purpose:    what the preflight of `add` and the doctor must know of tables, at the provider and at a subscriber alike.
-- Parameters: $1 tables, as JSON [[schema, name], ...], names as in the catalog.
-- Returns:    a row (schema, name, described json) for each table that is there.
--             A column's `parts` are the plain types its text is made of: one for most; the elements, fields and bounds of
--             arrays, composites and ranges, to any depth, domains looked through. `mod` is the modifier, -1 without one.
-- Reads:      pg_class, pg_namespace, pg_attribute, pg_type, pg_range, pg_enum, pg_collation, pg_attrdef, pg_index.
WITH RECURSIVE asked AS (
  SELECT DISTINCT c.oid, n.nspname, c.relname
  FROM json_array_elements($1::json) AS t(at)
  JOIN pg_namespace n ON n.nspname = t.at ->> 0
  JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = t.at ->> 1
), part (rel, attnum, path, type, mod) AS (
  SELECT a.attrelid, a.attnum, '', a.atttypid, a.atttypmod
  FROM asked JOIN pg_attribute a ON a.attrelid = asked.oid
  WHERE a.attnum > 0 AND NOT a.attisdropped
  UNION ALL
  SELECT p.rel, p.attnum, inner_part.path, inner_part.type, inner_part.mod
  FROM part p
  JOIN pg_type t ON t.oid = p.type
  CROSS JOIN LATERAL (
    SELECT p.path, t.typbasetype, CASE WHEN p.mod < 0 THEN t.typtypmod ELSE p.mod END WHERE t.typtype = 'd'
    UNION ALL
    SELECT p.path || '[]', t.typelem, p.mod WHERE t.typsubscript = 'array_subscript_handler'::regproc
    UNION ALL
    SELECT p.path || '.' || row_number() OVER (ORDER BY f.attnum), f.atttypid, f.atttypmod
    FROM pg_attribute f WHERE t.typtype = 'c' AND f.attrelid = t.typrelid AND f.attnum > 0 AND NOT f.attisdropped
    UNION ALL
    SELECT p.path || '..', r.rngsubtype, -1 FROM pg_range r WHERE t.oid IN (r.rngtypid, r.rngmultitypid)
  ) AS inner_part (path, type, mod)
), plain AS (
  SELECT p.rel, p.attnum, json_agg(json_build_object('path', p.path, 'type', t.typname, 'mod', p.mod,
      'labels', (SELECT json_agg(e.enumlabel ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid)
    ) ORDER BY p.path) AS parts
  FROM part p JOIN pg_type t ON t.oid = p.type
  WHERE t.typtype NOT IN ('d', 'c', 'r', 'm') AND t.typsubscript <> 'array_subscript_handler'::regproc
  GROUP BY p.rel, p.attnum
)
SELECT asked.nspname AS schema, asked.relname AS name, json_build_object(
  'kind', c.relkind,
  'partition', c.relispartition,
  'columns', (
    SELECT json_agg(json_build_object(
        'name', a.attname,
        'type', format_type(a.atttypid, a.atttypmod),
        'parts', coalesce(plain.parts, '[]'::json),
        'foldsCase', NOT coalesce(l.collisdeterministic, true),
        'collation', CASE WHEN l.collname <> 'default' THEN l.oid::regcollation::text END,
        'notNull', a.attnotnull,
        'hasDefault', a.atthasdef OR a.attidentity <> '',
        'generated', a.attgenerated <> ''
      ) ORDER BY a.attnum)
    FROM pg_attribute a
    LEFT JOIN plain ON plain.rel = a.attrelid AND plain.attnum = a.attnum
    LEFT JOIN pg_collation l ON l.oid = a.attcollation
    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  ),
  -- The columns of every unique index that holds for all rows at once; the primary key first.
  'uniques', coalesce((
    SELECT json_agg(k.names ORDER BY k.indisprimary DESC, k.indisreplident DESC)
    FROM (
      SELECT i.indisprimary, i.indisreplident, json_agg(a.attname ORDER BY p.at) AS names
      FROM pg_index i
      CROSS JOIN LATERAL unnest(i.indkey::smallint[]) WITH ORDINALITY AS p(attnum, at)
      JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = p.attnum
      WHERE i.indrelid = c.oid AND i.indisunique AND i.indimmediate AND i.indisvalid
        AND i.indpred IS NULL AND i.indexprs IS NULL AND p.at <= i.indnkeyatts
      GROUP BY i.indexrelid, i.indisprimary, i.indisreplident
    ) k
  ), '[]'::json),
  -- How to get rid of each of them that is not the primary key.
  'extras', coalesce((
    SELECT json_agg(json_build_object('columns', k.names, 'drop', coalesce(
        (SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', c.oid::regclass, con.conname) FROM pg_constraint con
         WHERE con.conindid = k.indexrelid AND con.contype IN ('u', 'x') AND con.conrelid = c.oid),
        format('DROP INDEX %s', k.indexrelid::regclass))))
    FROM (
      SELECT i.indexrelid, json_agg(a.attname ORDER BY p.at) AS names
      FROM pg_index i
      CROSS JOIN LATERAL unnest(i.indkey::smallint[]) WITH ORDINALITY AS p(attnum, at)
      LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = p.attnum AND p.attnum > 0
      WHERE i.indrelid = c.oid AND (i.indisunique OR i.indisexclusion) AND NOT i.indisprimary AND p.at <= i.indnkeyatts
      GROUP BY i.indexrelid
    ) k
  ), '[]'::json),
  'role', current_user,
  'primary', EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary AND i.indimmediate),
  'missing', coalesce((
    SELECT json_agg(p.name)
    FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) AS p(name)
    WHERE NOT has_table_privilege(c.oid, p.name)
  ), '[]'::json),
  'usage', has_schema_privilege(n.oid, 'USAGE')
)::text AS described
FROM asked JOIN pg_class c ON c.oid = asked.oid JOIN pg_namespace n ON n.oid = c.relnamespace

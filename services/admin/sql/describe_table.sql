-- Purpose:    what the preflight of `add` must know of a table, at the provider and at a subscriber alike.
-- Parameters: $1 schema, $2 name, as in the catalog.
-- Returns:    one row `described` (json), none when there is no table of that name.
-- Reads:      pg_class, pg_namespace, pg_attribute, pg_type, pg_attrdef, pg_index.
SELECT json_build_object(
  'kind', c.relkind,
  'partition', c.relispartition,
  'columns', (
    SELECT json_agg(json_build_object(
        'name', a.attname,
        'type', format_type(a.atttypid, a.atttypmod),
        'base', coalesce(b.typname, t.typname),
        'notNull', a.attnotnull,
        'hasDefault', a.atthasdef OR a.attidentity <> '',
        'generated', a.attgenerated <> ''
      ) ORDER BY a.attnum)
    FROM pg_attribute a
    JOIN pg_type t ON t.oid = a.atttypid
    LEFT JOIN pg_type b ON t.typtype = 'd' AND b.oid = t.typbasetype
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
  'primary', EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary AND i.indimmediate),
  'missing', coalesce((
    SELECT json_agg(p.name)
    FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) AS p(name)
    WHERE NOT has_table_privilege(c.oid, p.name)
  ), '[]'::json),
  'usage', has_schema_privilege(n.oid, 'USAGE')
)::text AS described
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname = $2

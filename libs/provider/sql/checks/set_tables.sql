-- Purpose:    check `set-tables`: every table of the set is there, under its name, with a key.
-- Parameters: $1 queue.
-- Returns:    rows (level, object, message, fix).
-- Reads:      millrace.set_table, pg_class, pg_namespace, pg_index.
WITH found AS (
  SELECT format('%I.%I', t.schema_name, t.table_name) AS label, t.*, c.oid, c.relpersistence, n.nspname, c.relname,
    to_regclass(format('%I.%I', t.schema_name, t.table_name))::oid AS namesake,
    EXISTS (
      SELECT FROM pg_index i
      WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indimmediate
        AND (i.indisprimary OR (i.indpred IS NULL AND i.indexprs IS NULL AND NOT EXISTS (
          SELECT FROM pg_attribute a
          WHERE a.attrelid = c.oid AND a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1]) AND NOT a.attnotnull)))
    ) AS has_key
  FROM millrace.set_table t
  LEFT JOIN pg_class c ON c.oid = t.relid
  LEFT JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE t.queue = $1
)
SELECT 'error' AS level, label AS object,
  CASE WHEN namesake IS NULL THEN 'was dropped at the provider and is still in the set'
    ELSE 'was dropped at the provider and another table has its name: it is not captured' END AS message,
  CASE WHEN namesake IS NULL THEN 'millrace remove ' || label ELSE 'millrace add ' || label END AS fix
FROM found WHERE oid IS NULL
UNION ALL
SELECT 'warning', label, format('is now called %s at the provider; its changes still travel under the old name', oid::regclass),
  CASE WHEN namesake IS NOT NULL THEN 'millrace remove ' || label
    WHEN nspname <> schema_name THEN format('ALTER TABLE %s SET SCHEMA %I', oid::regclass, schema_name)
    ELSE format('ALTER TABLE %s RENAME TO %I', oid::regclass, table_name) END
FROM found WHERE oid IS NOT NULL AND namesake IS DISTINCT FROM oid
UNION ALL
SELECT 'error', label, 'has lost its key: updates and deletes of it cannot be replicated',
  format('ALTER TABLE %s ADD PRIMARY KEY (%s)', oid::regclass, (SELECT string_agg(quote_ident(k), ', ') FROM unnest(key_columns) k))
FROM found WHERE oid IS NOT NULL AND NOT has_key AND key_columns <> '{}'
UNION ALL
SELECT 'error', label, 'is unlogged now: a crash would empty it unseen', format('ALTER TABLE %s SET LOGGED', oid::regclass)
FROM found WHERE relpersistence = 'u'

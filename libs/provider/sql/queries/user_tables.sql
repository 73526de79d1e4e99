-- Purpose:    the tables that `add --all` adds.
-- Parameters: none.
-- Returns:    rows (schema, name) of all tables that a user made: no partitions (they come with their
--             root), no temporary ones, nothing that belongs to an extension or to Millrace.
-- Reads:      pg_class, pg_namespace, pg_depend.
SELECT n.nspname AS schema, c.relname AS name
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'
  AND n.nspname NOT IN ('information_schema', 'millrace', 'pgq', 'pgq_coop', 'pgq_ext') AND n.nspname !~ '^pg_'
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY 1, 2

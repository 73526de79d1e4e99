-- Purpose:    the sequences that serial and identity columns of a table take their numbers from.
-- Parameters: $1 schema, $2 name of the table.
-- Returns:    rows (schema, name).
-- Reads:      pg_class, pg_namespace, pg_depend.
SELECT sn.nspname AS schema, s.relname AS name
FROM pg_class t
JOIN pg_namespace tn ON tn.oid = t.relnamespace
JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = t.oid AND d.refobjsubid > 0
  AND d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'
JOIN pg_namespace sn ON sn.oid = s.relnamespace
WHERE tn.nspname = $1 AND t.relname = $2
ORDER BY 1, 2

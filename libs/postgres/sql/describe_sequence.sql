-- Purpose:    what the preflight of `add-seq` must know of a sequence.
-- Parameters: $1 schema, $2 name.
-- Returns:    one row (kind "char", may_update bool), none when nothing has that name.
-- Reads:      pg_class, pg_namespace.
SELECT c.relkind AS kind, c.relkind = 'S' AND has_sequence_privilege(c.oid, 'UPDATE') AS may_update
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname = $2

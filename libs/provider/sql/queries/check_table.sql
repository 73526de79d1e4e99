-- Purpose:    whether a table can be replicated, before anything is changed.
-- Parameters: $1 schema, $2 name.
-- Returns:    one row: refusal (why not, without the table's name; null when it can be), key (text[], null without one).
-- Reads:      catalogs, through millrace.check_table.
SELECT k.refusal, k.key
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace CROSS JOIN LATERAL millrace.check_table(c.oid) AS k
WHERE n.nspname = $1 AND c.relname = $2

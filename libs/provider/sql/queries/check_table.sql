-- Purpose:    whether a table can be replicated, before anything is changed.
-- Parameters: $1 schema, $2 name.
-- Returns:    one row: refusal (why not, without the table's name; null when it can be), key (text[], null without one).
-- Reads:      catalogs, through millrace.capture_refusal and millrace.table_key.
--             millrace.table_key opens the relation, which fails for a composite type: it is called for tables only.
SELECT millrace.capture_refusal(c.oid) AS refusal,
       CASE WHEN c.relkind IN ('r', 'p') THEN (SELECT k.names FROM millrace.table_key(c.oid) k) END AS key
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname = $2

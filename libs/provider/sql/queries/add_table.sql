-- Purpose:    put a table into the set: capture triggers and the row in millrace.set_table. Refuses with a reason.
-- Parameters: $1 queue, $2 schema, $3 name.
-- Returns:    one row (added): false, it was there; none when there is no such table.
SELECT millrace.add_table($1, c.oid::regclass) AS added
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $2 AND c.relname = $3

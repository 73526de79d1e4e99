-- Purpose:    put a sequence into the set. Parameters: $1 queue, $2 schema, $3 name.
SELECT millrace.add_sequence($1, c.oid::regclass)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $2 AND c.relname = $3

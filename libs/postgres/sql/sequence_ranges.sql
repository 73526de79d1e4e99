-- Purpose:    the bounds of sequences, to be compared between the two ends.
-- Parameters: $1 sequences, as JSON [[schema, name], ...].
-- Returns:    rows (schema, name, least, most, label): bounds as text, of those that are there.
-- Reads:      pg_sequence, pg_class, pg_namespace.
SELECT n.nspname AS schema, c.relname AS name, q.seqmin::text AS least, q.seqmax::text AS most, c.oid::regclass::text AS label
FROM json_array_elements($1::json) AS s(at)
JOIN pg_namespace n ON n.nspname = s.at ->> 0
JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = s.at ->> 1
JOIN pg_sequence q ON q.seqrelid = c.oid

-- Purpose:    withdraw the requests for copies of a table, for some subscribers. Others keep theirs.
-- Parameters: $1 queue, $2 schema, $3 name, $4 subscribers text[].
-- Returns:    rows (copy_id) of the requests changed. A request without subscribers is cancelled.
-- Writes:     millrace.copy_request.
UPDATE millrace.copy_request r
SET subscribers = left_over.names,
    state = CASE WHEN cardinality(left_over.names) = 0 THEN 'cancelled' ELSE r.state END,
    changed_at = now()
FROM (
  SELECT c.copy_id, ARRAY(SELECT n FROM unnest(c.subscribers) n WHERE n <> ALL ($4::text[])) AS names
  FROM millrace.copy_request c
  WHERE c.queue = $1 AND c.schema_name = $2 AND c.table_name = $3 AND c.state IN ('wanted', 'copying')
) left_over
WHERE r.copy_id = left_over.copy_id AND r.subscribers && $4::text[]
RETURNING r.copy_id

-- Purpose:    ask capture for a copy of a table, for several subscribers at once.
-- Parameters: $1 queue, $2 schema, $3 name, $4 subscribers text[].
-- Returns:    one row (copy_id). Writes: millrace.copy_request.
INSERT INTO millrace.copy_request (queue, schema_name, table_name, subscribers)
VALUES ($1, $2, $3, $4) RETURNING copy_id

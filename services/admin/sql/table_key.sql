-- Purpose:    the columns by which the rows of a table of the set are told apart. Parameters: $1 queue, $2 schema, $3 name.
-- Returns:    one row (key text[]). Reads: millrace.set_table.
SELECT key_columns AS key FROM millrace.set_table WHERE queue = $1 AND schema_name = $2 AND table_name = $3

-- Purpose:    one look after the capture triggers, as the ticker does it: what went by unseen is recorded as the table's problem.
-- Parameters: $1 queue.
-- Returns:    rows (schema_name, table_name, action, problem).
-- Reads:      as millrace.refresh_triggers, which also writes.
SELECT schema_name, table_name, action, problem FROM millrace.refresh_triggers($1)

-- Purpose:    note who changed what.
-- Parameters: $1 what, $2 detail (json text).
-- Writes:     millrace.audit.
INSERT INTO millrace.audit (what, detail) VALUES ($1, $2::jsonb)

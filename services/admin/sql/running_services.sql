-- Purpose:    services of ours that have a session in this database.
-- Parameters: none.
-- Returns:    rows (name).
-- Reads:      pg_stat_activity (the name is there for everybody to see).
SELECT DISTINCT substring(application_name FROM '^millrace (ticker|capture|replay [^ ]+)') AS name
FROM pg_stat_activity
WHERE datname = current_database() AND application_name ~ '^millrace (ticker|capture|replay [^ ]+)'
ORDER BY 1

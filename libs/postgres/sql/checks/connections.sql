-- Purpose:    check `connections`: there are free connections for the sessions of the services.
-- Parameters: none.
-- Returns:    rows (level, object, message, fix).
-- Reads:      pg_stat_activity.
SELECT 'warning' AS level, 'max_connections' AS object,
  format('%s of %s connections are taken; a service that reconnects may find none. The fix needs a restart', taken, most) AS message,
  format('ALTER SYSTEM SET max_connections = %s', most * 2) AS fix
FROM (
  SELECT count(*) AS taken, current_setting('max_connections')::int AS most
  FROM pg_stat_activity WHERE backend_type = 'client backend'
) c
WHERE taken > 0.9 * most

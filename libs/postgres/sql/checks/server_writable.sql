-- Purpose:    check `server-writable`: the server is a primary.
-- Parameters: none.
-- Returns:    rows (level, object, message, fix).
SELECT 'error' AS level, current_database() AS object,
  'is on a standby in recovery: nothing can be written there; promote it, or name the primary in the url' AS message,
  'SELECT pg_promote()' AS fix
WHERE pg_is_in_recovery()

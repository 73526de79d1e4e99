-- Purpose:    check `server-version`: the version of PostgreSQL is one that Millrace is tested with.
-- Parameters: none.
-- Returns:    rows (level, object, message, fix).
SELECT CASE WHEN v < 140000 THEN 'error' ELSE 'warning' END AS level, 'PostgreSQL ' || current_setting('server_version') AS object,
  CASE WHEN v < 140000 THEN 'is older than 14, which is the oldest that works' ELSE 'is newer than 18, the newest that was tried' END AS message,
  CASE WHEN v < 140000 THEN 'pg_upgradecluster ' || v / 10000 || ' main' END AS fix
FROM (SELECT current_setting('server_version_num')::int AS v) s
WHERE v < 140000 OR v >= 190000

-- Purpose:    check `long-transactions`: no transaction is open for so long that event tables cannot be emptied, or its own changes
--             cannot be replicated.
-- Parameters: $1 seconds.
-- Returns:    rows (level, object, message, fix); level `unknown` where we may not see.
-- Reads:      pg_stat_activity, pg_prepared_xacts.
SELECT 'warning' AS level, format('session %s of %s', a.pid, a.usename) AS object,
  format('has a transaction open for %s: until it ends event tables are not emptied and what it wrote is not replicated',
    date_trunc('second', clock_timestamp() - a.xact_start)) AS message,
  format('SELECT pg_terminate_backend(%s)', a.pid) AS fix
FROM pg_stat_activity a
WHERE a.pid <> pg_backend_pid() AND a.backend_type = 'client backend' AND a.application_name NOT LIKE 'millrace %'
  AND (a.backend_xid IS NOT NULL OR a.backend_xmin IS NOT NULL)
  AND clock_timestamp() - a.xact_start > make_interval(secs => $1::float8)
UNION ALL
SELECT 'warning', format('prepared transaction %L', p.gid),
  format('waits for its end for %s: until then event tables are not emptied and what it wrote is not replicated',
    date_trunc('second', clock_timestamp() - p.prepared)),
  format('ROLLBACK PREPARED %L', p.gid)
FROM pg_prepared_xacts p
WHERE clock_timestamp() - p.prepared > make_interval(secs => $1::float8)
UNION ALL
SELECT 'unknown', current_user, format('role %I may not see the transactions of other roles; grant it pg_read_all_stats', current_user),
  format('GRANT pg_read_all_stats TO %I', current_user)
WHERE NOT pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')

-- Purpose:    check `server-settings`: settings under which commits get lost, wait for ever, or tables grow.
-- Parameters: none.
-- Returns:    rows (level, object, message, fix).
-- Reads:      pg_settings, pg_stat_replication.
SELECT 'warning' AS level, s.name AS object, r.why AS message,
  format('ALTER SYSTEM SET %I = on; SELECT pg_reload_conf()', s.name) AS fix
FROM pg_settings s
JOIN (VALUES
  ('fsync', 'is off: a crash of the machine may lose or damage what was committed, here and at those who have it already'),
  ('full_page_writes', 'is off: a crash of the machine may damage the database'),
  ('autovacuum', 'is off: event tables, positions and your tables grow without end'),
  ('track_counts', 'is off: autovacuum does not know what to do, and tables grow without end')
) AS r(name, why) ON r.name = s.name
WHERE s.setting = 'off'
UNION ALL
SELECT 'warning', 'synchronous_standby_names',
  'names standbys and none is connected: every commit of ours waits for one, ticks and batches too',
  'ALTER SYSTEM RESET synchronous_standby_names; SELECT pg_reload_conf()'
WHERE current_setting('synchronous_standby_names') <> ''
  AND NOT EXISTS (SELECT FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum'))

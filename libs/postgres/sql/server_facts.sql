-- Purpose:    what is compared between two databases.
-- Parameters: none.
-- Returns:    one row (now, version, encoding, database, system): the server's clock as milliseconds since 1970; system and
--             database together are the same only for the same database: a physical copy of a cluster has its identifier, but
--             was not started at the same microsecond.
-- Reads:      pg_database, pg_control_system().
SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now, current_setting('server_version_num')::int AS version,
  current_setting('server_encoding') AS encoding, d.oid::text AS database,
  CASE WHEN has_function_privilege('pg_control_system()', 'EXECUTE') THEN (SELECT system_identifier::text FROM pg_control_system()) || ' ' || extract(epoch FROM pg_postmaster_start_time()) END AS system
FROM pg_database d WHERE d.datname = current_database()

-- Purpose:    check `collation-versions`: indexes were built with the collation that the system has now. If not, a unique index
--             may hold the same key twice, and a row is not found by its key.
-- Parameters: none. PostgreSQL 15 and later.
-- Returns:    rows (level, object, message, fix).
-- Reads:      pg_database.
SELECT 'warning' AS level, d.datname AS object,
  format('was made with version %s of its collation, the system has %s: indexes on text may be wrong until they are built anew',
    d.datcollversion, pg_database_collation_actual_version(d.oid)) AS message,
  format('REINDEX DATABASE %I; ALTER DATABASE %I REFRESH COLLATION VERSION', d.datname, d.datname) AS fix
FROM pg_database d
WHERE d.datname = current_database() AND d.datcollversion <> pg_database_collation_actual_version(d.oid)

-- Purpose:    check `database-rights`: replay may make its temporary tables.
-- Parameters: none.
-- Returns:    rows (level, object, message, fix).
SELECT 'error' AS level, current_database() AS object,
  format('does not let role %I make temporary tables, through which larger batches are applied', current_user) AS message,
  format('GRANT TEMPORARY ON DATABASE %I TO %I', current_database(), current_user) AS fix
WHERE NOT has_database_privilege(current_database(), 'TEMPORARY')

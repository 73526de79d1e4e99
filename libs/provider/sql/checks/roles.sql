-- Purpose:    check `roles`: the group roles are there, and ours has the rights of the services that use this url.
-- Parameters: none.
-- Returns:    rows (level, object, message, fix).
-- Reads:      pg_roles, pg_proc.
WITH duty (role, function, what) AS (VALUES
  ('millrace_owner', 'add_table', 'change sets'),
  ('millrace_ticker', 'refresh_triggers', 'tick and look after triggers'),
  ('millrace_capture', 'report_position', 'read the queue and let it go'),
  ('millrace_app', 'last_tick', 'see the last tick')
), found AS (
  SELECT d.*, EXISTS (SELECT FROM pg_roles r WHERE r.rolname = d.role) AS there,
    (SELECT bool_and(has_function_privilege(p.oid, 'EXECUTE')) FROM pg_proc p
     WHERE p.pronamespace = 'millrace'::regnamespace AND p.proname = d.function) AS may,
    (SELECT bool_and(has_function_privilege(r.oid, p.oid, 'EXECUTE')) FROM pg_proc p JOIN pg_roles r ON r.rolname = d.role
     WHERE p.pronamespace = 'millrace'::regnamespace AND p.proname = d.function) AS granted
  FROM duty d
)
SELECT 'warning' AS level, role AS object,
  CASE
    WHEN NOT there THEN format('is missing: no role but the installing one can be allowed to %s; make it, then run `millrace install`', what)
    WHEN NOT granted THEN format('has lost its rights: its members may not %s', what)
    ELSE format('has not our role %I as a member, which therefore may not %s', current_user, what)
  END AS message,
  CASE
    WHEN NOT there THEN format('CREATE ROLE %I NOLOGIN', role)
    WHEN NOT granted THEN 'millrace install'
    ELSE format('GRANT %I TO %I', role, current_user)
  END AS fix
FROM found
WHERE NOT there OR NOT granted OR NOT may

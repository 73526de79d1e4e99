-- millrace.may_hold_lock(name, role)
-- Purpose:    whether a role may hold a session lock: the owner of schema millrace, its members, and of the roles of a provider those
--             whose duty it is.
-- Parameters: i_role - NULL: nobody, as of a prepared transaction.
-- Returns:    true or false.
-- Tables:     none but catalogs.
CREATE OR REPLACE FUNCTION millrace.may_hold_lock(i_name text, i_role oid) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT EXISTS (
        SELECT FROM pg_roles r
        WHERE pg_has_role(i_role, r.oid, 'USAGE')
          AND (r.oid = (SELECT n.nspowner FROM pg_namespace n WHERE n.nspname = 'millrace')
               OR r.rolname = ANY (CASE split_part(i_name, ':', 1)
                      WHEN 'ticker'  THEN ARRAY['millrace_ticker']
                      WHEN 'queue ticker' THEN ARRAY['millrace_ticker', 'pgq_admin']
                      WHEN 'capture' THEN ARRAY['millrace_capture']
                      WHEN 'admin'   THEN ARRAY['millrace_owner', 'pgq_admin']
                      ELSE ARRAY[]::text[] END)))
$$;
REVOKE ALL ON FUNCTION millrace.may_hold_lock(text, oid) FROM PUBLIC;
COMMENT ON FUNCTION millrace.may_hold_lock(text, oid) IS 'Millrace locks';

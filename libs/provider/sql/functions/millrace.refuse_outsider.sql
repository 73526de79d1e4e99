-- millrace.refuse_outsider(queue)
-- Purpose:    keeps a set's queue to Millrace: the functions of PgQ's contract call it before they write to a queue, read its
--             events or change its consumers. Queues without a set are everybody's who has PgQ's roles.
--             Inside a SECURITY DEFINER function current_user is its owner; who called is the role that was set, else the
--             session's user.
-- Parameters: i_queue - the queue; one that does not exist, and NULL, are left to the caller.
-- Returns:    nothing. Errors: the queue carries a set, and the caller is neither a member of millrace_owner nor of the role that
--             owns schema millrace (42501).
-- Tables:     millrace.set, pg_namespace, pg_roles (read).
CREATE OR REPLACE FUNCTION millrace.refuse_outsider(i_queue text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_caller text;
BEGIN
    IF NOT EXISTS (SELECT FROM millrace.set s WHERE s.queue = i_queue) THEN
        RETURN;
    END IF;
    v_caller := CASE current_setting('role') WHEN 'none' THEN session_user::text ELSE current_setting('role') END;
    IF NOT EXISTS (
        SELECT FROM pg_roles r
        WHERE (r.rolname = 'millrace_owner' OR r.oid = (SELECT n.nspowner FROM pg_namespace n WHERE n.nspname = 'millrace'))
          AND pg_has_role(v_caller, r.oid, 'USAGE')) THEN
        RAISE EXCEPTION 'queue % carries the tables of a set: role % may not write to it, consume it or change it', i_queue, v_caller
            USING ERRCODE = 'insufficient_privilege', HINT = 'Use a queue of your own. Sets are changed by the commands of Millrace, as a member of millrace_owner.';
    END IF;
END $$;

-- millrace.end_command(id, outcome, error)
-- Purpose:    completes the audit entry of a command that this role began. An entry is completed once.
-- Returns:    true completed, false there is no such entry.
-- Tables:     millrace.audit (update).
CREATE OR REPLACE FUNCTION millrace.end_command(i_id bigint, i_outcome text, i_error text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE millrace.audit a SET outcome = i_outcome, error = i_error, ended_at = clock_timestamp()
    WHERE a.id = i_id AND a.outcome IS NULL AND a.actor IS NOT NULL AND a.who = session_user;
    RETURN FOUND;
END $$;

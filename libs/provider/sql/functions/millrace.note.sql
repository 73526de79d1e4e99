-- millrace.note(queue, what, detail)
-- Purpose:    writes an entry (who requested what) into the audit. Names and numbers only, never a row's values.
-- Returns:    nothing.
-- Tables:     millrace.audit (insert).
CREATE OR REPLACE FUNCTION millrace.note(i_queue text, i_what text, i_detail jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO millrace.audit (who, what, detail)
    VALUES (session_user, i_what, jsonb_build_object('queue', i_queue) || coalesce(i_detail, '{}'));
END $$;

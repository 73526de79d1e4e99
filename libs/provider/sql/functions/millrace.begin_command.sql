-- millrace.begin_command(queue, actor, command, arguments)
-- Purpose:    writes into the audit that a command begins, and deletes entries older than the newest 10,000.
-- Returns:    the entry's id, for millrace.end_command.
-- Tables:     millrace.audit (insert, delete).
CREATE OR REPLACE FUNCTION millrace.begin_command(i_queue text, i_actor text, i_command text, i_arguments text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_id bigint;
BEGIN
    INSERT INTO millrace.audit (who, queue, actor, what, arguments)
    VALUES (session_user, i_queue, i_actor, i_command, i_arguments)
    RETURNING id INTO v_id;
    DELETE FROM millrace.audit a WHERE a.id <= v_id - 10000;
    RETURN v_id;
END $$;

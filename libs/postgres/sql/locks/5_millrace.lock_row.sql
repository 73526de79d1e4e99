-- millrace.lock_row(name, doing)
-- Purpose:    takes a lock that the transaction then holds until it ends. Waits 5 s for a holder, then fails and names it. It does not
--             wait in the server's queue, whose error could not name anybody; a subtransaction, which could catch it, would use a
--             transaction id of its own.
-- Parameters: i_name - kind:detail; i_doing - for the error: 'a tick of queue main'.
-- Returns:    nothing. Errors: ... is held up by ... (55P03).
-- Tables:     millrace.row_lock (insert, lock).
CREATE OR REPLACE FUNCTION millrace.lock_row(i_name text, i_doing text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_until  timestamptz := clock_timestamp() + interval '5 seconds';
    v_holder record;
BEGIN
    LOOP
        PERFORM FROM millrace.row_lock l WHERE l.name = i_name FOR UPDATE SKIP LOCKED;
        IF FOUND THEN
            RETURN;
        ELSIF NOT EXISTS (SELECT FROM millrace.row_lock l WHERE l.name = i_name) THEN
            INSERT INTO millrace.row_lock (name) VALUES (i_name) ON CONFLICT DO NOTHING;
            CONTINUE;
        END IF;
        EXIT WHEN clock_timestamp() > v_until;
        PERFORM pg_sleep(0.002);
    END LOOP;
    SELECT a.pid, a.usename, a.application_name INTO v_holder
    FROM millrace.row_lock l
    JOIN pg_locks h ON h.locktype = 'transactionid' AND h.granted AND h.transactionid = l.xmax
    LEFT JOIN pg_stat_activity a ON a.pid = h.pid
    WHERE l.name = i_name;
    RAISE EXCEPTION '% is held up by a transaction of role %, process %, application "%"', i_doing,
        coalesce(v_holder.usename::text, 'unknown'), coalesce(v_holder.pid::text, 'unknown'), coalesce(v_holder.application_name, '')
        USING ERRCODE = 'lock_not_available';
END $$;
REVOKE ALL ON FUNCTION millrace.lock_row(text, text) FROM PUBLIC;
COMMENT ON FUNCTION millrace.lock_row(text, text) IS 'Millrace locks';

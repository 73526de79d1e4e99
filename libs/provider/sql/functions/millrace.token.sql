-- millrace.token(queue)
-- Purpose:    returns what a subscriber must have applied so that a read there sees every change of the replicated tables
--             that this session can see now, its own included; millrace.wait_for waits for it at the subscriber. Called in
--             the transaction that made the changes, after them, the token stands for that transaction whole, and is
--             reached only once it is committed. Where the newest tick has it all already, the token just names that
--             tick; else it carries the snapshot, and the event sequence is moved by one, which makes a tick due: one of
--             the other transactions in the snapshot may have ended after the tick that takes the changes, and without
--             any event. Takes no lock that anybody waits for.
-- Parameters: i_queue - one set only; NULL: every set of this database.
-- Returns:    text of letters, digits, dot, minus and underscore, a few hundred of them.
-- Errors:     no such set (MR001); called at a standby (MR003).
-- Tables:     millrace.set, pgq.queue, pgq.tick, the event tables (read), the event sequences.
CREATE OR REPLACE FUNCTION millrace.token(i_queue text DEFAULT NULL) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_own   bigint := txid_current_if_assigned();
    v_parts jsonb;
BEGIN
    IF pg_is_in_recovery() THEN
        RAISE EXCEPTION 'millrace.token() was called at a standby' USING ERRCODE = 'MR003', HINT = 'call it at the provider, where the changes are made';
    END IF;
    SELECT jsonb_agg(millrace.token_part(s.queue, s.queue_id, txid_current_snapshot(), v_own) ORDER BY s.queue) INTO v_parts
    FROM millrace.set s WHERE i_queue IS NULL OR s.queue = i_queue;
    IF v_parts IS NULL THEN
        RAISE EXCEPTION '%', coalesce('no such set: ' || i_queue, 'this database has no set of replicated tables') USING ERRCODE = 'MR001';
    END IF;
    RETURN 'mr1.' || translate(encode(convert_to(
        jsonb_build_object('p', millrace.system_identifier(), 'l', millrace.timeline(), 'q', v_parts)::text, 'UTF8'), 'base64'), E'+/=\n', '-_');
END $$;

-- millrace.maint_event_sequence(queue)
-- Purpose:    sets the sequence of a queue's event ids right, which somebody altered. With a cache each session takes ids in
--             blocks, and a later event sorts before an earlier one of another session: a row's changes would be applied in the
--             wrong order. Sessions that hold a block use it up.
-- Returns:    0. Errors: no such queue (MR001); the sequence is in use (55P03, after 50 ms): later.
-- Tables:     pgq.queue (read), the sequence (altered), millrace.audit (insert).
CREATE OR REPLACE FUNCTION millrace.maint_event_sequence(i_queue text) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '50ms' AS $$
DECLARE
    v_name text;
BEGIN
    SELECT pgq.quote_fqname(q.queue_event_seq) INTO v_name FROM pgq.queue q WHERE q.queue_name = i_queue;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no such queue: %', coalesce(i_queue, 'NULL') USING ERRCODE = 'MR001';
    END IF;
    EXECUTE 'ALTER SEQUENCE ' || v_name || ' INCREMENT BY 1 NO CYCLE CACHE 1';
    PERFORM millrace.note(i_queue, 'repair event sequence', '{}');
    RETURN 0;
END $$;

-- pgq.listen_ticks(queue)
-- Purpose:    from now on this session is notified of the queue's ticks (NOTIFY pgq_tick_N, N the queue's id), until it ends or calls
--             pgq.unlisten_ticks. It holds a shared lock: a tick notifies only while a session holds it, because a
--             NOTIFY makes all commits that notify, the application's too, wait for one another.
-- Returns:    the channel. Errors: no such queue (MR001).
-- Tables:     pgq.queue (read).
CREATE OR REPLACE FUNCTION pgq.listen_ticks(i_queue text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    v_id integer;
BEGIN
    SELECT q.queue_id INTO v_id FROM pgq.queue q WHERE q.queue_name = i_queue;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no such queue: %', coalesce(i_queue, 'NULL') USING ERRCODE = 'MR001';
    END IF;
    EXECUTE format('LISTEN %I', 'pgq_tick_' || v_id);
    BEGIN
        PERFORM pg_advisory_lock_shared(1886873970, v_id);  -- "pgq2": README.md
    EXCEPTION WHEN lock_not_available THEN
        -- Any role may take this lock, and keep it. Ticks notify meanwhile, because they cannot take it either.
        RAISE WARNING 'another session holds the lock (1886873970, %) of those who listen for ticks', v_id;
    END;
    RETURN 'pgq_tick_' || v_id;
END $$;

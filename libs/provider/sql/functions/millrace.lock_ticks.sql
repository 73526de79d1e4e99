-- millrace.lock_ticks(queue)
-- Purpose:    takes the lock under which a queue's ticks are made, until the transaction ends. Whoever ticks takes it
--             first and its snapshot after it: a snapshot taken before the wait would be older than the tick that the
--             wait was for. Hence READ COMMITTED only, where every later statement has a new snapshot.
-- Returns:    the queue's id. Errors: no such queue (MR001); ticks need READ COMMITTED (MR003); held up by ... (55P03).
-- Tables:     pgq.queue (read); as millrace.lock_row.
CREATE OR REPLACE FUNCTION millrace.lock_ticks(i_queue text) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_id integer;
BEGIN
    IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
        RAISE EXCEPTION 'a tick needs a READ COMMITTED transaction, this one is %', upper(current_setting('transaction_isolation'))
            USING ERRCODE = 'MR003', HINT = 'its snapshot must be newer than the lock';
    END IF;
    SELECT q.queue_id INTO v_id FROM pgq.queue q WHERE q.queue_name = i_queue;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no such queue: %', coalesce(i_queue, 'NULL') USING ERRCODE = 'MR001';
    END IF;
    PERFORM millrace.lock_row('ticks:' || v_id, 'a tick of queue ' || i_queue);
    RETURN v_id;
END $$;

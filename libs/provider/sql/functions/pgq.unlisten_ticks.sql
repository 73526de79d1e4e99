-- pgq.unlisten_ticks(queue)
-- Purpose:    ends what pgq.listen_ticks began.
-- Returns:    whether this session was listening.
-- Tables:     pgq.queue (read).
CREATE OR REPLACE FUNCTION pgq.unlisten_ticks(i_queue text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_id integer;
BEGIN
    SELECT q.queue_id INTO v_id FROM pgq.queue q WHERE q.queue_name = i_queue;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    EXECUTE format('UNLISTEN %I', 'pgq_tick_' || v_id);
    RETURN pg_advisory_unlock_shared(1886873970, v_id);  -- "pgq2": README.md
END $$;

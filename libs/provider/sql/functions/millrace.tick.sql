-- millrace.tick(queue)
-- Purpose:    makes a tick when one is due (millrace.tick_reason). One call, one round trip; call it outside a
--             transaction block, or its lock is held until the block ends.
-- Returns:    the tick, or no row when none is due.
-- Errors:     no such queue (MR001); not READ COMMITTED (MR003); Invalid PgQ state or another cluster (MR004).
-- Tables:     as tick_reason, publish_sequences, append_tick.
CREATE OR REPLACE FUNCTION millrace.tick(
    IN i_queue text, OUT tick bigint, OUT fingerprint text, OUT tick_time timestamptz, OUT new_events bigint)
RETURNS SETOF record ROWS 1
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_reason text := millrace.tick_reason(i_queue);
BEGIN
    IF v_reason IS NULL THEN
        RETURN;
    END IF;
    -- Due by a check without the lock. Another ticker may be making that tick: check again with the lock.
    PERFORM millrace.lock_ticks(i_queue);
    v_reason := millrace.tick_reason(i_queue);
    IF v_reason IS NOT NULL THEN
        RETURN QUERY SELECT * FROM millrace.make_tick(i_queue, NULL, v_reason = 'idle');
    END IF;
END $$;

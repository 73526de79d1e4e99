-- millrace.tick(queue)
-- Purpose:    makes a tick when one is due (millrace.is_tick_due). One call, one round trip; call it outside a
--             transaction block, or its lock is held until the block ends.
-- Returns:    the tick, or no row when none is due.
-- Errors:     no such queue (MR001); not READ COMMITTED (MR003); Invalid PgQ state or another cluster (MR004).
-- Tables:     as is_tick_due, publish_sequences, append_tick.
CREATE OR REPLACE FUNCTION millrace.tick(
    IN i_queue text, OUT tick bigint, OUT fingerprint text, OUT tick_time timestamptz, OUT new_events bigint)
RETURNS SETOF record ROWS 1
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT millrace.is_tick_due(i_queue) THEN
        RETURN;
    END IF;
    -- Due by an unlocked look. Another ticker may be making that very tick: look again when it is our turn.
    PERFORM millrace.lock_ticks(i_queue);
    IF millrace.is_tick_due(i_queue) THEN
        RETURN QUERY SELECT * FROM millrace.make_tick(i_queue, NULL);
    END IF;
END $$;

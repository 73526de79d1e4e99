-- millrace.insert_pinned_tick(queue, snapshot)
-- Purpose:    makes a tick whose snapshot is one that another session has exported, so that this session sees every
--             table exactly as of the tick for as long as it likes. The order that makes it so: this transaction calls
--             millrace.lock_ticks; the other session opens a REPEATABLE READ transaction and exports its snapshot; this
--             transaction calls here and commits.
-- Parameters: i_snapshot - pg_current_snapshot() of the other session.
-- Returns:    one row, as millrace.tick. Errors: the snapshot is older than the last tick or not of the past (MR004).
-- Tables:     as append_tick.
CREATE OR REPLACE FUNCTION millrace.insert_pinned_tick(
    IN i_queue text, IN i_snapshot pg_snapshot,
    OUT tick bigint, OUT fingerprint text, OUT tick_time timestamptz, OUT new_events bigint)
RETURNS SETOF record ROWS 1
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM millrace.lock_ticks(i_queue);
    RETURN QUERY SELECT * FROM millrace.make_tick(i_queue, i_snapshot::text::txid_snapshot, false);
END $$;

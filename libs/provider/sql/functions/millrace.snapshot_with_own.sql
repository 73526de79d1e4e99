-- millrace.snapshot_with_own(snapshot, own)
-- Purpose:    adds the caller's own transaction to a snapshot just taken, so that an event written by the ticking
--             transaction itself belongs to the batch that this tick ends. (A snapshot's list of running transactions
--             leaves out one's own; it counts as visible only when it is below xmax.) Ids between xmax and `own` have
--             not ended and are listed as running.
-- Parameters: i_own - the transaction's id, NULL when it has none.
-- Returns:    the snapshot; unchanged when own is NULL or visible, or too far above to be worth it (then the event is
--             in the next batch).
-- Tables:     none.
CREATE OR REPLACE FUNCTION millrace.snapshot_with_own(i_snapshot txid_snapshot, i_own bigint) RETURNS txid_snapshot
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_xmax bigint := txid_snapshot_xmax(i_snapshot);
BEGIN
    IF i_own IS NULL OR i_own < v_xmax OR i_own - v_xmax > 1000 THEN
        RETURN i_snapshot;
    END IF;
    RETURN (txid_snapshot_xmin(i_snapshot) || ':' || (i_own + 1) || ':' || array_to_string(ARRAY(
        SELECT x FROM (SELECT txid_snapshot_xip(i_snapshot) UNION ALL SELECT generate_series(v_xmax, i_own - 1)) AS r(x) ORDER BY x
    ), ','))::txid_snapshot;
END $$;

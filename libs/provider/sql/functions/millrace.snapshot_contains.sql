-- millrace.snapshot_contains(larger, smaller)
-- Purpose:    whether every transaction visible in `smaller` is visible in `larger`, and larger is not behind in xmin.
--             Ticks' snapshots must form such a chain, or an event would be in two batches (two tickers) or in none.
-- Returns:    boolean.
-- Tables:     none.
CREATE OR REPLACE FUNCTION millrace.snapshot_contains(i_larger txid_snapshot, i_smaller txid_snapshot) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN txid_snapshot_xmin(i_larger) >= txid_snapshot_xmin(i_smaller)
   AND txid_snapshot_xmax(i_larger) >= txid_snapshot_xmax(i_smaller)
   AND NOT EXISTS (SELECT FROM txid_snapshot_xip(i_larger) AS x WHERE txid_visible_in_snapshot(x, i_smaller));

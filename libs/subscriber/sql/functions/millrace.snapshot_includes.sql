-- millrace.snapshot_includes(larger, smaller)
-- Purpose:    whether every transaction visible in `smaller` is visible in `larger`, the later one of two that were taken
--             on one cluster.
-- Returns:    boolean; NULL if either is.
-- Tables:     none.
CREATE OR REPLACE FUNCTION millrace.snapshot_includes(larger pg_snapshot, smaller pg_snapshot) RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN pg_snapshot_xmin(larger) >= pg_snapshot_xmin(smaller)
   AND pg_snapshot_xmax(larger) >= pg_snapshot_xmax(smaller)
   AND NOT EXISTS (SELECT FROM pg_snapshot_xip(larger) AS x WHERE pg_visible_in_snapshot(x, smaller));

-- millrace.timeline()
-- Purpose:    the history this cluster writes: the number grows whenever a copy of it is promoted or restored, so that what
--             was committed before and lost by that differs from what is committed now under the same transaction ids.
-- Returns:    1 for a cluster that was never promoted. Errors: of a standby, that recovery is in progress.
-- Tables:     none.
CREATE OR REPLACE FUNCTION millrace.timeline() RETURNS integer
LANGUAGE sql STABLE PARALLEL SAFE
RETURN ('x' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8))::bit(32)::integer;

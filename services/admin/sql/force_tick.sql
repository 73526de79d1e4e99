-- Purpose:    a tick now; all that is committed before the call is in it or in an earlier one. Parameters: $1 queue.
-- Returns:    one row (tick, fingerprint).
SELECT tick, fingerprint FROM millrace.force_tick($1)

-- Purpose:    whether the queue still knows a tick, so that a subscriber that stands there can be served.
-- Parameters: $1 queue, $2 tick.
-- Returns:    one row (kept).
-- Reads:      as millrace.tick_info.
SELECT EXISTS (SELECT FROM millrace.tick_info($1, $2)) AS kept

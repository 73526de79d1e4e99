-- Purpose:    how long the oldest change that a subscriber lacks has been waiting.
-- Parameters: $1 queue, $2 the subscriber's tick.
-- Returns:    one row (age_ms) about the first tick after it; none when it is at the newest.
SELECT (extract(epoch FROM clock_timestamp() - tick_time) * 1000)::bigint AS age_ms
FROM millrace.ticks_after($1, $2, 1)

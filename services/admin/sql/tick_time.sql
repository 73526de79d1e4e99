-- Purpose:    when a tick was made (now, when it is not kept any more), and on which cluster.
-- Parameters: $1 queue, $2 tick. Returns: one row (time, ISO 8601 with microseconds, UTC; system_identifier).
SELECT to_char(coalesce((SELECT i.tick_time FROM millrace.tick_info($1, $2) i), now()) AT TIME ZONE 'UTC',
    'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS time, s.system_identifier
FROM millrace.set s WHERE s.queue = $1

-- Purpose:    whether a subscriber of that name was registered once and is not any more.
-- Parameters: $1 queue, $2 name.
-- Returns:    one row (was).
-- Reads:      millrace.audit, millrace.subscriber.
SELECT EXISTS (
    SELECT FROM millrace.audit a
    WHERE a.what = 'unregister subscriber' AND a.detail ->> 'queue' = $1 AND a.detail ->> 'name' = $2
  ) AND NOT EXISTS (SELECT FROM millrace.subscriber s WHERE s.queue = $1 AND s.name = $2) AS was

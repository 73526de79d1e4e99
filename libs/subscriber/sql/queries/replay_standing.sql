-- Purpose:    the position of replay, and what may stop it. To be the first statement of a transaction that reads as of the position.
-- Parameters: $1 queue.
-- Returns:    one row, none when the queue is not set up here.
-- Reads:      millrace.position, control, replay_report.
SELECT p.tick, p.fingerprint, coalesce(c.paused, false) AS paused,
  -- A report from before the last batch is out of date.
  CASE WHEN r.reported_at < p.applied_at THEN 'running' ELSE r.state END AS state, r.error_message,
  (extract(epoch FROM clock_timestamp() - greatest(r.reported_at, p.applied_at)) * 1000)::float8 AS age_ms
FROM millrace.position p
  LEFT JOIN millrace.control c ON c.queue = p.queue
  LEFT JOIN millrace.replay_report r ON r.queue = p.queue
WHERE p.queue = $1

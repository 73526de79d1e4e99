-- Purpose:    check `queue-settings`: the queue ticks, takes events and is emptied.
-- Parameters: $1 queue.
-- Returns:    rows (level, object, message, fix).
-- Reads:      pgq.queue.
SELECT r.level, q.queue_name AS object, r.message, format(r.fix, q.queue_name) AS fix
FROM pgq.queue q
CROSS JOIN LATERAL (VALUES
  ('error', q.queue_ticker_paused, 'its ticker is paused: nothing is replicated',
   'SELECT pgq.set_queue_config(%L, ''ticker_paused'', ''false'')'),
  ('error', q.queue_external_ticker, 'is said to be ticked from elsewhere: our ticker leaves it alone and nothing is replicated',
   'SELECT pgq.set_queue_config(%L, ''external_ticker'', ''false'')'),
  ('error', q.queue_disable_insert, 'takes no events: changes cannot be recorded',
   'SELECT pgq.set_queue_config(%L, ''disable_insert'', ''false'')'),
  ('warning', q.queue_rotation_period IS NULL, 'is never rotated: its event tables grow without end',
   'SELECT pgq.set_queue_config(%L, ''rotation_period'', ''2 hours'')')
) AS r(level, wrong, message, fix)
WHERE q.queue_name = $1 AND r.wrong

-- Purpose:    check `subscriber-records`: the queue keeps events for every subscriber, from where it stands, and for nobody else.
-- Parameters: $1 queue.
-- Returns:    rows (level, object, message, fix).
-- Reads:      millrace.set, millrace.subscriber, pgq.queue, pgq.consumer, pgq.subscription, pgq.tick.
-- A tick that is still in pgq.tick has all events after it (pgq.maint_rotate_tables_step1): registered there, nothing is lost.
WITH record AS (
  SELECT b.name, b.consumer, b.tick, s.sub_last_tick,
    EXISTS (SELECT FROM pgq.tick t WHERE t.tick_queue = q.queue_id AND t.tick_id = b.tick) AS kept
  FROM millrace.subscriber b JOIN pgq.queue q ON q.queue_name = b.queue
  LEFT JOIN (pgq.consumer c JOIN pgq.subscription s ON s.sub_consumer = c.co_id) ON c.co_name = b.consumer AND s.sub_queue = q.queue_id
  WHERE b.queue = $1
)
SELECT 'error' AS level, name AS object,
  format(CASE WHEN sub_last_tick IS NULL
      THEN 'has lost its consumer %I in the queue (somebody unregistered it or deleted its row): the queue keeps nothing for it'
      ELSE 'has a consumer %I in the queue that somebody moved forward: the queue does not keep what it lacks' END
    || CASE WHEN kept THEN ', but what it has not applied since tick %s is still there'
      ELSE ', and what it has not applied since tick %s may be gone: if it does not go on, unregister it, install and add its tables again' END,
    consumer, tick) AS message,
  CASE WHEN kept THEN format('SELECT pgq.register_consumer_at(%L, %L, %s)', $1, consumer, tick)
    ELSE format('millrace unregister %s --yes', name) END AS fix
FROM record WHERE sub_last_tick IS NULL OR sub_last_tick > tick
UNION ALL
SELECT 'warning', c.co_name,
  format('is a consumer of the set''s queue that is no subscriber, at tick %s: the queue keeps everything after it, and who owns it reads the rows of all tables',
    coalesce(s.sub_last_tick, s.sub_next_tick)),
  format('SELECT pgq.unregister_consumer(%L, %L)', $1, c.co_name)
FROM millrace.set t JOIN pgq.subscription s ON s.sub_queue = t.queue_id JOIN pgq.consumer c ON c.co_id = s.sub_consumer
WHERE t.queue = $1 AND NOT EXISTS (SELECT FROM record r WHERE r.consumer = c.co_name)
ORDER BY 1, 2

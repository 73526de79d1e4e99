-- Purpose:    check `event-sequence`: event ids are given one by one, upwards. With a cache a later change of a row sorts before an
--             earlier one of another session.
-- Parameters: $1 queue.
-- Returns:    rows (level, object, message, fix).
-- Reads:      pgq.queue, pg_sequence.
SELECT 'error' AS level, q.queue_event_seq AS object,
  format('was altered (CACHE %s, INCREMENT %s%s): changes of a row may be applied in the wrong order', s.seqcache, s.seqincrement,
    CASE WHEN s.seqcycle THEN ', CYCLE' ELSE '' END) AS message,
  format('ALTER SEQUENCE %s INCREMENT BY 1 NO CYCLE CACHE 1', s.seqrelid::regclass) AS fix
FROM pgq.queue q JOIN pg_sequence s ON s.seqrelid = to_regclass(q.queue_event_seq)
WHERE q.queue_name = $1 AND (s.seqcache <> 1 OR s.seqincrement <> 1 OR s.seqcycle)

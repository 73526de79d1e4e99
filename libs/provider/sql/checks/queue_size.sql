-- Purpose:    check `queue-size`: the event tables are not larger than a quarter of the database.
-- Parameters: $1 queue, $2 bytes below which no queue is too large.
-- Returns:    rows (level, object, message, fix).
-- Reads:      pgq.queue, pg_inherits, millrace.subscriber.
WITH size AS (
  SELECT (SELECT coalesce(sum(pg_total_relation_size(i.inhrelid)), 0) FROM pg_inherits i WHERE i.inhparent = q.queue_data_pfx::regclass) AS events,
    pg_database_size(current_database()) AS whole
  FROM pgq.queue q WHERE q.queue_name = $1
), slowest AS (
  SELECT b.name, b.tick FROM millrace.subscriber b WHERE b.queue = $1 ORDER BY b.tick, b.name LIMIT 1
)
SELECT 'warning' AS level, $1::text AS object,
  format('its event tables hold %s of the %s of this database%s', pg_size_pretty(events), pg_size_pretty(whole),
    (SELECT format('; subscriber %s is the furthest behind, at tick %s', name, tick) FROM slowest)) AS message,
  (SELECT format('millrace unregister %s --yes', name) FROM slowest) AS fix
FROM size WHERE events > $2::bigint AND events > whole / 4

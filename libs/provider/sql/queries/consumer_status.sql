-- Purpose:    what `pgqadm status` shows of consumers.
-- Parameters: $1 queue, NULL for all.
-- Returns:    rows of text: queue, name (a subscriber by its own name), is_subscriber, lag, last_seen.
-- Reads:      as pgq.get_consumer_info; millrace.subscriber.
SELECT i.queue_name AS queue, coalesce(s.name, i.consumer_name) AS name, s.name IS NOT NULL AS is_subscriber,
       date_trunc('second', i.lag)::text AS lag, date_trunc('second', i.last_seen)::text AS last_seen
FROM pgq.get_consumer_info($1) i
LEFT JOIN millrace.subscriber s ON s.queue = i.queue_name AND s.consumer = i.consumer_name
ORDER BY 1, 2

-- Purpose:    the queues that the provider's daemon of the classic programs serves: those of this database.
-- Parameters: none.
-- Returns:    rows (queue, id, is_set): id tells a queue from an earlier one of the same name; is_set: it carries tables.
--             Queues that are ticked from elsewhere are left out.
-- Reads:      pgq.queue, millrace.set.
SELECT q.queue_name AS queue, q.queue_id AS id, EXISTS (SELECT FROM millrace.set s WHERE s.queue_id = q.queue_id) AS is_set
FROM pgq.queue q
WHERE NOT q.queue_external_ticker
ORDER BY q.queue_name

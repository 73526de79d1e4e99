-- Purpose:    makes a tick in a queue of PgQ when the queue's own rule says so. Parameters: $1 queue. Returns: one row.
SELECT CASE WHEN NOT q.queue_ticker_paused THEN pgq.ticker(q.queue_name) END AS tick FROM pgq.queue q WHERE q.queue_name = $1

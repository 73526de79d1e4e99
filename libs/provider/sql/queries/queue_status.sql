-- Purpose:    what `pgqadm status` and `pgqadm config` show of queues.
-- Parameters: $1 queue, NULL for all.
-- Returns:    rows of text by queue name: name, tables, rotation, max_count, max_lag, idle, paused, ticker_lag.
-- Reads:      as pgq.get_queue_info.
SELECT i.queue_name AS name, i.queue_ntables::text AS tables, i.queue_rotation_period::text AS rotation,
       i.queue_ticker_max_count::text AS max_count, i.queue_ticker_max_lag::text AS max_lag,
       i.queue_ticker_idle_period::text AS idle, i.queue_ticker_paused::text AS paused,
       date_trunc('second', i.ticker_lag)::text AS ticker_lag
FROM pgq.get_queue_info($1) i
ORDER BY 1

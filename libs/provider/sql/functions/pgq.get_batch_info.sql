-- pgq.get_batch_info(batch)
-- Purpose:    what an open batch covers.
-- Returns:    one row; all NULL when not found.
-- Tables:     pgq.subscription, pgq.queue, pgq.consumer, pgq.tick (read).
CREATE OR REPLACE FUNCTION pgq.get_batch_info(
    IN x_batch_id bigint, OUT queue_name text, OUT consumer_name text, OUT batch_start timestamptz,
    OUT batch_end timestamptz, OUT prev_tick_id bigint, OUT tick_id bigint, OUT lag interval,
    OUT seq_start bigint, OUT seq_end bigint) RETURNS record
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    SELECT q.queue_name, c.co_name, p.tick_time, n.tick_time, s.sub_last_tick, s.sub_next_tick,
           current_timestamp - n.tick_time, p.tick_event_seq, n.tick_event_seq
    INTO queue_name, consumer_name, batch_start, batch_end, prev_tick_id, tick_id, lag, seq_start, seq_end
    FROM pgq.subscription s
    JOIN pgq.queue q ON q.queue_id = s.sub_queue
    JOIN pgq.consumer c ON c.co_id = s.sub_consumer
    JOIN pgq.tick p ON p.tick_queue = s.sub_queue AND p.tick_id = s.sub_last_tick
    JOIN pgq.tick n ON n.tick_queue = s.sub_queue AND n.tick_id = s.sub_next_tick
    WHERE s.sub_batch = x_batch_id;
END $$;

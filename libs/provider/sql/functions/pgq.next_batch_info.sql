-- pgq.next_batch_info(queue, consumer)
-- Purpose:    opens the batch up to the next tick, or gives the open one again.
-- Returns:    one row; all NULL when there is nothing. The event_seq values are hints, no proof of events.
-- Tables:     as next_batch_custom.
CREATE OR REPLACE FUNCTION pgq.next_batch_info(
    IN i_queue_name text, IN i_consumer_name text,
    OUT batch_id bigint, OUT cur_tick_id bigint, OUT prev_tick_id bigint, OUT cur_tick_time timestamptz,
    OUT prev_tick_time timestamptz, OUT cur_tick_event_seq bigint, OUT prev_tick_event_seq bigint) RETURNS record
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    SELECT b.batch_id, b.cur_tick_id, b.prev_tick_id, b.cur_tick_time, b.prev_tick_time, b.cur_tick_event_seq, b.prev_tick_event_seq
    INTO batch_id, cur_tick_id, prev_tick_id, cur_tick_time, prev_tick_time, cur_tick_event_seq, prev_tick_event_seq
    FROM pgq.next_batch_custom(i_queue_name, i_consumer_name, NULL, NULL, NULL) AS b;
END $$;

-- pgq.event_retry_raw(queue, consumer, retry_after, ev_id, ev_time, ev_retry, ev_type, ev_data, ev_extra1 .. ev_extra4)
-- Purpose:    puts any event into the retry queue of one subscription, with all its fields.
-- Parameters: x_retry_after - not before; x_ev_id NULL - a new id; x_ev_retry - the count it will be seen with.
-- Returns:    the event's id. Errors: consumer not registered.
-- Tables:     pgq.queue, pgq.consumer, pgq.subscription (read), pgq.retry_queue (insert).
CREATE OR REPLACE FUNCTION pgq.event_retry_raw(
    x_queue text, x_consumer text, x_retry_after timestamptz, x_ev_id bigint, x_ev_time timestamptz, x_ev_retry integer,
    x_ev_type text, x_ev_data text, x_ev_extra1 text, x_ev_extra2 text, x_ev_extra3 text, x_ev_extra4 text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_sub record;
    v_id  bigint := x_ev_id;
BEGIN
    SELECT s.sub_id, s.sub_queue, q.queue_event_seq INTO v_sub
    FROM pgq.subscription s
    JOIN pgq.queue q ON q.queue_id = s.sub_queue
    JOIN pgq.consumer c ON c.co_id = s.sub_consumer
    WHERE q.queue_name = x_queue AND c.co_name = x_consumer;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'consumer not registered';
    END IF;
    PERFORM millrace.refuse_outsider(x_queue);
    IF v_id IS NULL THEN
        v_id := nextval(v_sub.queue_event_seq::regclass);
    END IF;
    INSERT INTO pgq.retry_queue (ev_retry_after, ev_queue, ev_id, ev_time, ev_txid, ev_owner, ev_retry, ev_type, ev_data,
                                 ev_extra1, ev_extra2, ev_extra3, ev_extra4)
    VALUES (x_retry_after, v_sub.sub_queue, v_id, coalesce(x_ev_time, now()), NULL, v_sub.sub_id, x_ev_retry, x_ev_type, x_ev_data,
            x_ev_extra1, x_ev_extra2, x_ev_extra3, x_ev_extra4);
    RETURN v_id;
END $$;

-- pgq.event_retry(batch, event, time)
-- Purpose:    puts a copy of one of an open batch's events into the retry queue, for this subscription only.
-- Parameters: x_retry_time - not before.
-- Returns:    1, or 0 when it is there already. Errors: event not found (nor the batch).
-- Tables:     pgq.subscription, event tables (read), pgq.retry_queue (insert).
CREATE OR REPLACE FUNCTION pgq.event_retry(x_batch_id bigint, x_event_id bigint, x_retry_time timestamptz) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_sub   record;
    v_event record;
BEGIN
    SELECT s.sub_id, s.sub_queue INTO v_sub FROM pgq.subscription s WHERE s.sub_batch = x_batch_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'event not found';
    END IF;
    -- Not through get_batch_events, which would gather the whole batch for one of its events.
    EXECUTE 'SELECT * FROM (' || pgq.batch_event_sql(x_batch_id) || ') AS e WHERE ev_id = $1' INTO v_event USING x_event_id;
    IF v_event.ev_id IS NULL THEN
        RAISE EXCEPTION 'event not found';
    END IF;
    INSERT INTO pgq.retry_queue (ev_retry_after, ev_queue, ev_id, ev_time, ev_txid, ev_owner, ev_retry, ev_type, ev_data,
                                 ev_extra1, ev_extra2, ev_extra3, ev_extra4)
    VALUES (x_retry_time, v_sub.sub_queue, v_event.ev_id, v_event.ev_time, NULL, v_sub.sub_id, coalesce(v_event.ev_retry, 0) + 1,
            v_event.ev_type, v_event.ev_data, v_event.ev_extra1, v_event.ev_extra2, v_event.ev_extra3, v_event.ev_extra4)
    ON CONFLICT (ev_owner, ev_id) DO NOTHING;
    RETURN CASE WHEN FOUND THEN 1 ELSE 0 END;
END $$;

-- pgq.event_retry(batch, event, seconds): the same, so many seconds from now.
CREATE OR REPLACE FUNCTION pgq.event_retry(x_batch_id bigint, x_event_id bigint, x_retry_seconds integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN pgq.event_retry(x_batch_id, x_event_id, current_timestamp + make_interval(secs => x_retry_seconds));
END $$;

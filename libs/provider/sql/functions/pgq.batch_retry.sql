-- pgq.batch_retry(batch, seconds)
-- Purpose:    puts copies of all of an open batch's events into the retry queue, without those already there.
-- Returns:    how many. Errors: batch_retry: batch N not found.
-- Tables:     as event_retry.
CREATE OR REPLACE FUNCTION pgq.batch_retry(i_batch_id bigint, i_retry_seconds integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_sub   record;
    v_count integer;
BEGIN
    SELECT s.sub_id, s.sub_queue INTO v_sub FROM pgq.subscription s WHERE s.sub_batch = i_batch_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'batch_retry: batch % not found', i_batch_id;
    END IF;
    INSERT INTO pgq.retry_queue (ev_retry_after, ev_queue, ev_id, ev_time, ev_txid, ev_owner, ev_retry, ev_type, ev_data,
                                 ev_extra1, ev_extra2, ev_extra3, ev_extra4)
    SELECT DISTINCT ON (e.ev_id) current_timestamp + make_interval(secs => i_retry_seconds), v_sub.sub_queue, e.ev_id, e.ev_time, NULL::bigint, v_sub.sub_id,
           coalesce(e.ev_retry, 0) + 1, e.ev_type, e.ev_data, e.ev_extra1, e.ev_extra2, e.ev_extra3, e.ev_extra4
    FROM pgq.get_batch_events(i_batch_id) AS e
    ON CONFLICT (ev_owner, ev_id) DO NOTHING;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    RETURN v_count;
END $$;

-- pgq.maint_retry_events()
-- Purpose:    moves up to 10 events that are due, oldest first, from the retry queue back into their queues, keeping
--             id, time, owner and count. Call until 0.
-- Returns:    how many were moved.
-- Tables:     pgq.retry_queue (delete), event tables (insert).
CREATE OR REPLACE FUNCTION pgq.maint_retry_events() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_event record;
    v_count integer := 0;
BEGIN
    LOCK TABLE pgq.retry_queue IN SHARE UPDATE EXCLUSIVE MODE;  -- one mover at a time
    FOR v_event IN
        SELECT r.*, q.queue_name FROM pgq.retry_queue r JOIN pgq.queue q ON q.queue_id = r.ev_queue
        WHERE r.ev_retry_after <= current_timestamp ORDER BY r.ev_retry_after LIMIT 10
    LOOP
        PERFORM millrace.put_event(v_event.queue_name, v_event.ev_id, v_event.ev_time, v_event.ev_owner, v_event.ev_retry,
            v_event.ev_type, v_event.ev_data, v_event.ev_extra1, v_event.ev_extra2, v_event.ev_extra3, v_event.ev_extra4);
        DELETE FROM pgq.retry_queue r WHERE r.ev_owner = v_event.ev_owner AND r.ev_id = v_event.ev_id;
        v_count := v_count + 1;
    END LOOP;
    RETURN v_count;
END $$;

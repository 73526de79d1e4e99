-- pgq.insert_event_raw(queue, ev_id, ev_time, ev_owner, ev_retry, ev_type, ev_data, ev_extra1 .. ev_extra4)
-- Purpose:    writes one event with all its fields.
-- Parameters: ev_id NULL - the next one; ev_time NULL - now(). The event sequence moves in every call, also when
--             ev_id is given: that is how the ticker sees retried and copied events.
-- Returns:    the event's id. Errors: Queue name must not be NULL; No such queue; Insert into queue disallowed;
--             Queue '...' allows max N events from one TX; as millrace.refuse_outsider.
-- Tables:     as millrace.put_event.
CREATE OR REPLACE FUNCTION pgq.insert_event_raw(
    queue_name text, ev_id bigint, ev_time timestamptz, ev_owner integer, ev_retry integer, ev_type text,
    ev_data text, ev_extra1 text, ev_extra2 text, ev_extra3 text, ev_extra4 text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM millrace.refuse_outsider(queue_name);
    RETURN millrace.put_event(queue_name, ev_id, ev_time, ev_owner, ev_retry, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4);
END $$;

-- pgq.insert_event(queue, ev_type, ev_data, ev_extra1 .. ev_extra4)
-- Purpose:    writes one event, in the caller's transaction.
-- Parameters: queue_name - the queue; the rest may be NULL.
-- Returns:    the event's id. Errors as insert_event_raw.
-- Tables:     pgq.queue (read), the current event table (insert).
CREATE OR REPLACE FUNCTION pgq.insert_event(
    queue_name text, ev_type text, ev_data text, ev_extra1 text, ev_extra2 text, ev_extra3 text, ev_extra4 text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN pgq.insert_event_raw(queue_name, NULL, now(), NULL, NULL, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4);
END $$;

-- pgq.insert_event(queue, ev_type, ev_data): the same without extra fields.
CREATE OR REPLACE FUNCTION pgq.insert_event(queue_name text, ev_type text, ev_data text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN pgq.insert_event_raw(queue_name, NULL, now(), NULL, NULL, ev_type, ev_data, NULL, NULL, NULL, NULL);
END $$;

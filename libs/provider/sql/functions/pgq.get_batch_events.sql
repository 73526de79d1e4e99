-- pgq.get_batch_events(batch)
-- Purpose:    an open batch's events, by ev_id.
-- Returns:    the events. Errors: batch not found.
-- Tables:     the event tables (read).
CREATE OR REPLACE FUNCTION pgq.get_batch_events(
    IN x_batch_id bigint, OUT ev_id bigint, OUT ev_time timestamptz, OUT ev_txid bigint, OUT ev_retry integer,
    OUT ev_type text, OUT ev_data text, OUT ev_extra1 text, OUT ev_extra2 text, OUT ev_extra3 text, OUT ev_extra4 text)
RETURNS SETOF record
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY EXECUTE pgq.batch_event_sql(x_batch_id);
END $$;

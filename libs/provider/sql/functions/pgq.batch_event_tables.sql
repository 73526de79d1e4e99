-- pgq.batch_event_tables(batch)
-- Purpose:    the event tables that may hold an open batch's events: all of the queue's (see millrace.interval_sql).
-- Returns:    quoted names. Errors: Cannot find data for batch N.
-- Tables:     pgq.subscription, pgq.queue (read).
CREATE OR REPLACE FUNCTION pgq.batch_event_tables(x_batch_id bigint) RETURNS SETOF text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT pgq.quote_fqname(q.queue_data_pfx || '_' || n)
        FROM pgq.subscription s JOIN pgq.queue q ON q.queue_id = s.sub_queue, generate_series(0, q.queue_ntables - 1) AS n
        WHERE s.sub_batch = x_batch_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'Cannot find data for batch %', x_batch_id;
    END IF;
END $$;

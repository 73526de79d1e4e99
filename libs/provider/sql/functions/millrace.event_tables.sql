-- millrace.event_tables(queue_id)
-- Purpose:    a queue's event tables, for the templates that repeat a statement for each of them.
-- Parameters: i_queue_id - the queue.
-- Returns:    an array, in order: number - as in pgq.queue.queue_cur_table; event_table - the name, quoted.
-- Tables:     pgq.queue (read).
CREATE OR REPLACE FUNCTION millrace.event_tables(i_queue_id integer) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (
        SELECT coalesce(jsonb_agg(jsonb_build_object('number', n, 'event_table', pgq.quote_fqname(q.queue_data_pfx || '_' || n)) ORDER BY n), '[]')
        FROM pgq.queue q, generate_series(0, q.queue_ntables - 1) AS n WHERE q.queue_id = i_queue_id);
END $$;

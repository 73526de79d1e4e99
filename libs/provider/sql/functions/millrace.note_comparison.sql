-- millrace.note_comparison(queue, results)
-- Purpose:    notes what a comparison of tables found, in the place of what an earlier one did. A table or subscriber that was
--             removed meanwhile is passed over.
-- Parameters: i_results - a JSON array of objects with the fields subscriber, schema, table, state, reason, tick,
--             provider_rows, subscriber_rows, missing, extra, different.
-- Returns:    nothing.
-- Tables:     millrace.comparison (write), millrace.subscriber, millrace.set_table (read).
CREATE OR REPLACE FUNCTION millrace.note_comparison(i_queue text, i_results jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO millrace.comparison AS c (queue, subscriber, schema_name, table_name, state, reason, tick, provider_rows,
        subscriber_rows, missing, extra, different)
    SELECT i_queue, s.name, t.schema_name, t.table_name, r.state, r.reason, r.tick, r.provider_rows, r.subscriber_rows, r.missing,
        r.extra, r.different
    FROM jsonb_to_recordset(i_results) AS r (subscriber text, schema text, "table" text, state text, reason text, tick bigint,
        provider_rows bigint, subscriber_rows bigint, missing bigint, extra bigint, different bigint)
    JOIN millrace.subscriber s ON s.queue = i_queue AND s.name = r.subscriber
    JOIN millrace.set_table t ON t.queue = i_queue AND t.schema_name = r.schema AND t.table_name = r."table"
    ORDER BY s.name, t.schema_name, t.table_name
    FOR KEY SHARE OF s, t
    ON CONFLICT (queue, subscriber, schema_name, table_name) DO UPDATE SET state = excluded.state, reason = excluded.reason,
        tick = excluded.tick, provider_rows = excluded.provider_rows, subscriber_rows = excluded.subscriber_rows,
        missing = excluded.missing, extra = excluded.extra, different = excluded.different, compared_at = excluded.compared_at;
END $$;

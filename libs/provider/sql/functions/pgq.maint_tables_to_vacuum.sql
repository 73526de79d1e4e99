-- pgq.maint_tables_to_vacuum()
-- Purpose:    the small tables that change all the time and want vacuum now and then, where autovacuum does not do it.
-- Returns:    quoted names; none when autovacuum is on.
-- Tables:     none.
CREATE OR REPLACE FUNCTION pgq.maint_tables_to_vacuum() RETURNS SETOF text
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT t FROM unnest(ARRAY['pgq.subscription', 'pgq.consumer', 'pgq.queue', 'pgq.tick', 'pgq.retry_queue',
                               'millrace.subscriber', 'millrace.service_report']) AS t
    WHERE current_setting('autovacuum') = 'off';
END;

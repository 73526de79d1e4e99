-- pgq.maint_tables_to_vacuum()
-- Purpose:    the small tables that change all the time and want vacuum now and then.
-- Returns:    quoted names.
-- Tables:     none.
CREATE OR REPLACE FUNCTION pgq.maint_tables_to_vacuum() RETURNS SETOF text
LANGUAGE sql STABLE
RETURN unnest(ARRAY['pgq.subscription', 'pgq.consumer', 'pgq.queue', 'pgq.tick', 'pgq.retry_queue',
                    'millrace.subscriber', 'millrace.service_report']);

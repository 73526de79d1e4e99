-- millrace.report_service(queue, service, instance, state, error_code, error_message)
-- Purpose:    a provider-side service (its leader) reports its state.
-- Returns:    nothing.
-- Tables:     millrace.service_report (upsert).
CREATE OR REPLACE FUNCTION millrace.report_service(
    i_queue text, i_service text, i_instance text, i_state text, i_error_code text, i_error_message text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO millrace.service_report AS r (queue, service, instance, state, error_code, error_message)
    VALUES (i_queue, i_service, i_instance, i_state, i_error_code, i_error_message)
    ON CONFLICT (queue, service) DO UPDATE
    SET instance = excluded.instance, state = excluded.state, error_code = excluded.error_code,
        error_message = excluded.error_message, reported_at = now();
END $$;

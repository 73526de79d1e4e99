-- pgq.count_tx_events(queue, limit)
-- Purpose:    counts one more event of this top-level transaction for a queue with a limit. The count is a setting of the
--             transaction: events of a savepoint that is rolled back are not counted.
-- Parameters: i_limit - how many the queue allows.
-- Returns:    the count. Errors: Queue '...' allows max N events from one TX.
-- Tables:     none.
CREATE OR REPLACE FUNCTION pgq.count_tx_events(i_queue_name text, i_limit integer) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_setting text := 'pgq.tx_events_' || md5(i_queue_name);
    v_count   integer := coalesce(nullif(current_setting(v_setting, true), ''), '0')::integer + 1;
BEGIN
    IF v_count > i_limit THEN
        RAISE EXCEPTION 'Queue ''%'' allows max % events from one TX', i_queue_name, i_limit;
    END IF;
    PERFORM set_config(v_setting, v_count::text, true);
    RETURN v_count;
END $$;

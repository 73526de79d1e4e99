-- pgq.set_queue_config(queue, param, value)
-- Purpose:    sets one of a queue's parameters. Values that would stop the queue or keep it busy for nothing are refused: counts
--             from 1; times from 0; the idle period and the rotation period above 0.
-- Parameters: x_queue_name - the queue; x_param_name - the column's name without queue_; x_param_value - its text. NULL
--             switches rotation off; no other parameter may be NULL.
-- Returns:    1. Errors: Invalid NULL value; No such event queue; cannot change parameter "..."; value out of range (22023).
-- Tables:     pgq.queue (update).
CREATE OR REPLACE FUNCTION pgq.set_queue_config(x_queue_name text, x_param_name text, x_param_value text) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_ok boolean;
BEGIN
    IF x_queue_name IS NULL OR x_param_name IS NULL OR (x_param_value IS NULL AND x_param_name <> 'rotation_period') THEN
        RAISE EXCEPTION 'Invalid NULL value';
    END IF;
    IF NOT EXISTS (SELECT FROM pgq.queue q WHERE q.queue_name = x_queue_name) THEN
        RAISE EXCEPTION 'No such event queue';
    END IF;
    PERFORM millrace.refuse_outsider(x_queue_name);
    v_ok := CASE
        WHEN x_param_name = 'ticker_max_count' THEN x_param_value::integer >= 1
        WHEN x_param_name = 'ticker_max_lag' THEN x_param_value::interval >= interval '0'
        WHEN x_param_name IN ('ticker_idle_period', 'rotation_period') THEN x_param_value::interval > interval '0'
        WHEN x_param_name IN ('ticker_paused', 'external_ticker') THEN x_param_value::boolean IS NOT NULL
    END;
    IF v_ok IS NULL AND x_param_value IS NOT NULL THEN
        RAISE EXCEPTION 'cannot change parameter "%"', x_param_name;
    ELSIF NOT v_ok THEN
        RAISE EXCEPTION 'parameter "%" cannot be %', x_param_name, x_param_value
            USING ERRCODE = 'invalid_parameter_value', HINT = 'counts from 1, times from 0, idle and rotation period above 0';
    END IF;
    EXECUTE format('UPDATE pgq.queue SET %I = %L WHERE queue_name = %L', 'queue_' || x_param_name, x_param_value, x_queue_name);
    RETURN 1;
END $$;

-- pgq.set_queue_config(queue, param, value)
-- Purpose:    sets one of a queue's parameters; the cast of the column checks the value.
-- Parameters: x_queue_name - the queue; x_param_name - the column's name without queue_; x_param_value - its text.
-- Returns:    1. Errors: Invalid NULL value; No such event queue; cannot change parameter "…".
-- Tables:     pgq.queue (update).
CREATE OR REPLACE FUNCTION pgq.set_queue_config(x_queue_name text, x_param_name text, x_param_value text) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF x_queue_name IS NULL OR x_param_name IS NULL THEN
        RAISE EXCEPTION 'Invalid NULL value';
    END IF;
    IF NOT EXISTS (SELECT FROM pgq.queue q WHERE q.queue_name = x_queue_name) THEN
        RAISE EXCEPTION 'No such event queue';
    END IF;
    IF x_param_name NOT IN ('ticker_max_count', 'ticker_max_lag', 'ticker_idle_period', 'ticker_paused',
                            'rotation_period', 'external_ticker') THEN
        RAISE EXCEPTION 'cannot change parameter "%"', x_param_name;
    END IF;
    EXECUTE 'UPDATE pgq.queue SET ' || quote_ident('queue_' || x_param_name) || ' = ' || quote_literal(x_param_value)
         || ' WHERE queue_name = ' || quote_literal(x_queue_name);
    RETURN 1;
END $$;

-- millrace.batch_sql(queue, prev_tick, tick)
-- Purpose:    the SELECT for a batch's events (see millrace.interval_sql); the same text every time, so a batch can be
--             read again. Fit for COPY (…) TO STDOUT.
-- Returns:    SQL giving ev_id, ev_type, ev_extra1, ev_extra2, ev_extra3, ev_extra4, ev_data by ev_id.
-- Errors:     tick N of queue q is not known here (MR002); prev_tick must be below tick (22023).
-- Tables:     pgq.queue, pgq.tick (read).
CREATE OR REPLACE FUNCTION millrace.batch_sql(i_queue text, i_prev_tick bigint, i_tick bigint) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v record;
BEGIN
    IF i_prev_tick >= i_tick THEN
        RAISE EXCEPTION 'batch from tick % to tick % goes backwards', i_prev_tick, i_tick USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT q.queue_data_pfx, p.tick_snapshot AS prev, c.tick_snapshot AS cur INTO v
    FROM pgq.queue q
    LEFT JOIN pgq.tick p ON p.tick_queue = q.queue_id AND p.tick_id = i_prev_tick
    LEFT JOIN pgq.tick c ON c.tick_queue = q.queue_id AND c.tick_id = i_tick
    WHERE q.queue_name = i_queue;
    IF v.prev IS NULL OR v.cur IS NULL THEN
        RAISE EXCEPTION 'tick % of queue % is not known here', CASE WHEN v.prev IS NULL THEN i_prev_tick ELSE i_tick END, i_queue
            USING ERRCODE = 'MR002';
    END IF;
    RETURN millrace.interval_sql(v.queue_data_pfx, v.prev, v.cur,
        'ev_id, ev_type, ev_extra1, ev_extra2, ev_extra3, ev_extra4, ev_data', 'ev_owner IS NULL');
END $$;

-- millrace.batch_sql(queue, prev_tick, tick)
-- Purpose:    the SELECT for a batch's events (see millrace.interval_sql); the same text every time, so a batch can be
--             read again. Fit for COPY (...) TO STDOUT.
--             Run it in the same transaction as the SELECT: it locks the event tables against being emptied in between.
--             (Rotation spares what a registered subscriber lacks, but a batch may be wanted by one that was set back.)
-- Returns:    SQL giving ev_id, ev_type, ev_extra1, ev_extra2, ev_extra3, ev_extra4, ev_data by ev_id.
-- Errors:     no such queue (MR001); tick N of queue q is not known here (MR002); prev_tick must be below tick (22023).
-- Tables:     pgq.queue, pgq.tick (read), the event tables (ACCESS SHARE).
CREATE OR REPLACE FUNCTION millrace.batch_sql(i_queue text, i_prev_tick bigint, i_tick bigint) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v       record;
    v_table text;
BEGIN
    IF i_prev_tick >= i_tick THEN
        RAISE EXCEPTION 'batch from tick % to tick % goes backwards', i_prev_tick, i_tick USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT pgq.quote_fqname(q.queue_data_pfx) INTO v_table FROM pgq.queue q WHERE q.queue_name = i_queue;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no such queue: %', coalesce(i_queue, 'NULL') USING ERRCODE = 'MR001';
    END IF;
    EXECUTE 'LOCK TABLE ' || v_table || ' IN ACCESS SHARE MODE';
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

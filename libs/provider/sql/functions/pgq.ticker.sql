-- pgq.ticker(queue)
-- Purpose:    makes a tick when the queue's own rule says so: no tick yet; or new events, and enough of them
--             (max_count) or the last tick old enough (max_lag); or none, at 2, 4, ... times the last distance up to
--             idle_period.
-- Returns:    tick id, or NULL when none is due. Errors: no such queue; This queue has external tick source.;
--             Ticker has been paused for this queue; Invalid PgQ state; not READ COMMITTED (MR003).
-- Tables:     pgq.queue (read), pgq.tick (insert).
CREATE OR REPLACE FUNCTION pgq.ticker(i_queue_name text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_queue record;
    v_last  record;
    v_gap   interval;
    v_new   bigint;
    v_lag   interval;
BEGIN
    SELECT q.*, coalesce(pg_sequence_last_value(q.queue_event_seq::regclass), 0) AS event_seq INTO v_queue
    FROM pgq.queue q WHERE q.queue_name = i_queue_name;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no such queue';
    ELSIF v_queue.queue_external_ticker THEN
        RAISE EXCEPTION 'This queue has external tick source.';
    ELSIF v_queue.queue_ticker_paused THEN
        RAISE EXCEPTION 'Ticker has been paused for this queue';
    END IF;
    PERFORM millrace.lock_ticks(i_queue_name);

    SELECT t.tick_id, t.tick_time, t.tick_event_seq INTO v_last
    FROM pgq.tick t WHERE t.tick_queue = v_queue.queue_id ORDER BY t.tick_id DESC LIMIT 1;
    IF v_last.tick_id IS NOT NULL THEN
        v_new := v_queue.event_seq - v_last.tick_event_seq;
        v_lag := clock_timestamp() - v_last.tick_time;
        IF v_new < 0 THEN
            RAISE WARNING 'Negative new_events?  old=% cur=%', v_last.tick_event_seq, v_queue.event_seq;
        END IF;
        IF v_new > 0 THEN
            IF v_new < v_queue.queue_ticker_max_count AND v_lag < v_queue.queue_ticker_max_lag THEN
                RETURN NULL;
            END IF;
        ELSE
            SELECT v_last.tick_time - t.tick_time INTO v_gap FROM pgq.tick t
            WHERE t.tick_queue = v_queue.queue_id AND t.tick_id < v_last.tick_id ORDER BY t.tick_id DESC LIMIT 1;
            IF FOUND AND (v_lag < v_queue.queue_ticker_max_lag / 2
                          OR (v_lag < v_gap * 2 AND v_lag < v_queue.queue_ticker_idle_period)) THEN
                RETURN NULL;
            END IF;
        END IF;
    END IF;
    RETURN (SELECT t.o_tick FROM millrace.append_tick(v_queue.queue_id, NULL) AS t);
END $$;

-- pgq.ticker()
-- Purpose:    the same for every queue that is neither paused nor ticked from elsewhere, by name.
-- Returns:    how many queues got a tick.
-- Tables:     as above.
CREATE OR REPLACE FUNCTION pgq.ticker() RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_name  text;
    v_count bigint := 0;
BEGIN
    FOR v_name IN
        SELECT q.queue_name FROM pgq.queue q
        WHERE NOT q.queue_external_ticker AND NOT q.queue_ticker_paused ORDER BY q.queue_name
    LOOP
        IF pgq.ticker(v_name) IS NOT NULL THEN
            v_count := v_count + 1;
        END IF;
    END LOOP;
    RETURN v_count;
END $$;

-- pgq.ticker(queue, tick_id, orig_timestamp, event_seq)
-- Purpose:    inserts a tick that was made elsewhere, for a queue with an external ticker; both sequences move forward.
-- Returns:    tick id. Errors: queue not found or ticker disabled: q; tick N is not after ... (MR004).
-- Tables:     pgq.queue (read), pgq.tick (insert).
CREATE OR REPLACE FUNCTION pgq.ticker(i_queue_name text, i_tick_id bigint, i_orig_timestamp timestamptz, i_event_seq bigint) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_queue record;
    v_last  bigint;
BEGIN
    SELECT q.queue_id, q.queue_tick_seq, q.queue_event_seq INTO v_queue FROM pgq.queue q
    WHERE q.queue_name = i_queue_name AND q.queue_external_ticker AND NOT q.queue_ticker_paused;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'queue not found or ticker disabled: %', i_queue_name;
    END IF;
    PERFORM millrace.refuse_outsider(i_queue_name);
    PERFORM millrace.lock_ticks(i_queue_name);
    SELECT max(t.tick_id) INTO v_last FROM pgq.tick t WHERE t.tick_queue = v_queue.queue_id;
    IF i_tick_id <= v_last THEN
        RAISE EXCEPTION 'tick % is not after the last one, %', i_tick_id, v_last USING ERRCODE = 'MR004';
    END IF;
    INSERT INTO pgq.tick (tick_queue, tick_id, tick_time, tick_event_seq)
    VALUES (v_queue.queue_id, i_tick_id, i_orig_timestamp, i_event_seq);
    PERFORM pgq.seq_setval(v_queue.queue_tick_seq, i_tick_id);
    PERFORM pgq.seq_setval(v_queue.queue_event_seq, i_event_seq);
    RETURN i_tick_id;
END $$;

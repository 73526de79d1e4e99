-- millrace.point_capture(queue_id)
-- Purpose:    publishes to the capture functions of a queue which event table is written now: the small function
--             millrace.current_table_<queue_id>() returns its number. The server puts that constant into the plans of every
--             session and plans them again when it changes, so the call costs nothing. A late update is harmless: a batch reads
--             all event tables, and a table with unread rows is not emptied. Call it after every rotation.
--             With the real pgq extension, whose rotation does not call us and needs writers to be exact, the function
--             reads pgq.queue each time instead.
-- Parameters: i_queue_id - the queue; nothing is done for one without a set.
-- Returns:    nothing.
-- Tables:     pgq.queue, millrace.set (read).
CREATE OR REPLACE FUNCTION millrace.point_capture(i_queue_id integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_name text := 'current_table_' || i_queue_id;
    v_body text;
BEGIN
    IF NOT EXISTS (SELECT FROM millrace.set s WHERE s.queue_id = i_queue_id) THEN
        RETURN;
    END IF;
    IF EXISTS (SELECT FROM pg_extension e WHERE e.extname = 'pgq') THEN
        v_body := format('SELECT q.queue_cur_table FROM pgq.queue q WHERE q.queue_id OPERATOR(pg_catalog.=) %s', i_queue_id);
    ELSE
        SELECT format('SELECT %s', q.queue_cur_table) INTO v_body FROM pgq.queue q WHERE q.queue_id = i_queue_id;
    END IF;
    IF v_body IS NULL OR EXISTS (
        SELECT FROM pg_proc p WHERE p.pronamespace = 'millrace'::regnamespace AND p.proname = v_name AND p.prosrc = v_body) THEN
        RETURN;
    END IF;
    EXECUTE format('CREATE OR REPLACE FUNCTION millrace.%I() RETURNS integer LANGUAGE sql STABLE AS %L', v_name, v_body);
    EXECUTE format('COMMENT ON FUNCTION millrace.%I() IS %L', v_name, 'Millrace capture');
END $$;

-- pgq.write_insert()
-- Purpose:    writes pgq.insert_event anew with one INSERT for each event table of the first queues, so that sessions keep their
--             plans. Other queues, and sessions that still run an older text, put the statement together at each call: it says the
--             same, only slower. Called whenever a queue is made or dropped, in the same transaction, and by the installer.
-- Returns:    nothing.
-- Tables:     pgq.queue (read).
CREATE OR REPLACE FUNCTION pgq.write_insert() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- A session reads all of them at its first event: 20 us each.
    v_most   CONSTANT integer := 16;
    v_dynamic text;
    v_source  text := pg_get_functiondef('pgq.insert_event(text, text, text, text, text, text, text)'::regprocedure);
    v_queues  text;
    v_begin   CONSTANT text := '--<queues>';
    v_end     CONSTANT text := '    --</queues>';
    v_insert  CONSTANT text := ' VALUES (v_id, now(), DEFAULT, NULL, NULL, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4);';
BEGIN
    -- One writer at a time: two would collide on the function's row.
    PERFORM pg_advisory_xact_lock(hashtextextended('pgq.create_queue', 0));
    v_dynamic := substr(v_source, strpos(v_source, v_end) + length(v_end || E'\n    ELSE\n'));
    v_dynamic := substr(v_dynamic, 1, strpos(v_dynamic, '    END IF;') - 1);
    SELECT string_agg(format('    ELSIF v_queue = %s THEN%s%s        ELSE%s%s        END IF;', q.queue_id, t.branches, E'\n', E'\n', v_dynamic), E'\n' ORDER BY q.queue_id)
    INTO v_queues
    -- Only names that create_queue gives: pgq_admin may write into pgq.queue, and is not to write into this function.
    FROM (SELECT * FROM pgq.queue WHERE queue_data_pfx = 'pgq.event_' || queue_id ORDER BY queue_id LIMIT v_most) AS q,
        LATERAL (SELECT string_agg(format('%s        %s v_current = %s THEN INSERT INTO %s%s', E'\n', CASE n WHEN 0 THEN 'IF' ELSE 'ELSIF' END, n,
                     pgq.quote_fqname(q.queue_data_pfx || '_' || n), v_insert), '' ORDER BY n) AS branches
                 FROM generate_series(0, q.queue_ntables - 1) AS n) AS t
    WHERE t.branches IS NOT NULL;
    EXECUTE substr(v_source, 1, strpos(v_source, v_begin) + length(v_begin)) || coalesce(v_queues || E'\n', '')
         || substr(v_source, strpos(v_source, v_end));
END $$;

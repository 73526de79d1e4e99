-- pgq.maint_operations()
-- Purpose:    the list of maintenance calls to make now. The caller makes each in a transaction of its own (vacuum
--             outside one), and again while it returns 1. It need not know what maintenance is.
-- Returns:    func_name, func_arg (NULL: no argument).
-- Tables:     pgq.queue (read).
CREATE OR REPLACE FUNCTION pgq.maint_operations(OUT func_name text, OUT func_arg text) RETURNS SETOF record
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_rotated boolean;
BEGIN
    RETURN QUERY
        SELECT 'pgq.maint_rotate_tables_step1', q.queue_name FROM pgq.queue q
        WHERE q.queue_rotation_period IS NOT NULL AND q.queue_switch_step2 IS NOT NULL
          AND (q.queue_switch_time + q.queue_rotation_period < current_timestamp
               OR q.queue_switch_time - q.queue_rotation_period > current_timestamp)  -- the clock went back
        ORDER BY q.queue_name;
    v_rotated := FOUND;
    IF v_rotated OR EXISTS (SELECT FROM pgq.queue q WHERE q.queue_switch_step2 IS NULL) THEN
        RETURN QUERY SELECT 'pgq.maint_rotate_tables_step2', NULL::text;
    END IF;
    RETURN QUERY
        SELECT 'millrace.maint_event_sequence', q.queue_name FROM pgq.queue q
        JOIN pg_sequence s ON s.seqrelid = to_regclass(pgq.quote_fqname(q.queue_event_seq))
        WHERE s.seqcache <> 1 OR s.seqincrement <> 1 OR s.seqcycle ORDER BY q.queue_name;
    -- What others wrote or made: only functions that pgq.maint_function trusts.
    RETURN QUERY
        SELECT e.func, q.queue_name FROM pgq.queue q, unnest(q.queue_extra_maint) AS e(func)
        WHERE pgq.maint_function(e.func, true, false) ORDER BY q.queue_name;
    -- PgQ's companions, where a database has them.
    IF pgq.maint_function('pgq_node.maint_watermark', true, true) THEN
        RETURN QUERY SELECT 'pgq_node.maint_watermark', c FROM pgq.companion_queues(
            'SELECT queue_name FROM pgq_node.node_info WHERE node_type = ''root'' ORDER BY 1', '{pgq_node.node_info}') AS c;
    END IF;
    IF pgq.maint_function('londiste.root_check_seqs', true, true) THEN
        RETURN QUERY SELECT 'londiste.root_check_seqs', c FROM pgq.companion_queues(
            'SELECT DISTINCT i.queue_name FROM londiste.seq_info i JOIN pgq_node.node_info n ON n.queue_name = i.queue_name'
            || ' WHERE n.node_type = ''root'' AND i.local ORDER BY 1', '{londiste.seq_info,pgq_node.node_info}') AS c;
    END IF;
    IF pgq.maint_function('londiste.periodic_maintenance', false, true) THEN
        RETURN QUERY SELECT 'londiste.periodic_maintenance', NULL::text;
    END IF;
    RETURN QUERY SELECT 'vacuum', t FROM pgq.maint_tables_to_vacuum() AS t;
END $$;

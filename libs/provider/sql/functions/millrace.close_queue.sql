-- millrace.close_queue(queue)
-- Purpose:    takes the grants of PgQ's roles from the event tables of a set's queue: capture and the owner's role read them,
--             nobody writes them but the functions of the capture triggers. The tables leave pgq.event_template, through which a
--             right to that one would reach their rows. Repeatable; changes only what is otherwise.
-- Parameters: i_queue - a set's queue.
-- Returns:    nothing. Leaves a queue of the server's own extension pgq as that made it.
-- Tables:     millrace.set, pgq.queue (read), the event tables (grants).
CREATE OR REPLACE FUNCTION millrace.close_queue(i_queue text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_queue record;
    v_item  record;
BEGIN
    SELECT q.* INTO v_queue FROM pgq.queue q JOIN millrace.set s ON s.queue_id = q.queue_id WHERE q.queue_name = i_queue;
    IF NOT FOUND OR EXISTS (SELECT FROM pg_extension WHERE extname = 'pgq') THEN
        RETURN;
    END IF;
    FOR v_item IN
        WITH relation AS (
            SELECT to_regclass(pgq.quote_fqname(v_queue.queue_data_pfx)) AS id, 'TABLE' AS kind
            UNION ALL SELECT to_regclass(pgq.quote_fqname(v_queue.queue_data_pfx || '_' || n)), 'TABLE' FROM generate_series(0, v_queue.queue_ntables - 1) AS n
            UNION ALL SELECT to_regclass(pgq.quote_fqname(name)), 'SEQUENCE' FROM unnest(ARRAY[v_queue.queue_event_seq, v_queue.queue_tick_seq]) AS name
        ), reader AS (
            SELECT r.oid, r.rolname FROM pg_roles r WHERE r.rolname IN ('millrace_owner', 'millrace_capture')
        )
        SELECT format('REVOKE ALL ON %s %s FROM %s', t.kind, t.id, CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END) AS sql
        FROM relation t JOIN pg_class c ON c.oid = t.id, aclexplode(c.relacl) AS a
        WHERE a.grantee <> c.relowner AND NOT (a.privilege_type = 'SELECT' AND a.grantee IN (SELECT r.oid FROM reader r))
        UNION
        SELECT format('GRANT SELECT ON %s %s TO %I', t.kind, t.id, r.rolname) FROM relation t, reader r
        UNION
        SELECT format('ALTER TABLE %s NO INHERIT pgq.event_template', h.inhrelid::regclass)
        FROM pg_inherits h JOIN relation t ON t.id = h.inhrelid WHERE h.inhparent = 'pgq.event_template'::regclass
        ORDER BY 1 DESC  -- REVOKE before GRANT
    LOOP
        EXECUTE v_item.sql;
    END LOOP;
END $$;

-- pgq.grant_perms(queue)
-- Purpose:    gives every event table of a queue the grants that pgq.event_template has; those of a set's queue stay closed.
-- Parameters: x_queue_name - the queue.
-- Returns:    1. Errors: Queue not found.
-- Tables:     pgq.queue (read), the event tables (grants).
CREATE OR REPLACE FUNCTION pgq.grant_perms(x_queue_name text) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_prefix text;
    v_sequence text;
    v_count  integer;
    v_table  text;
    v_grant  record;
BEGIN
    SELECT q.queue_data_pfx, q.queue_ntables, q.queue_event_seq INTO v_prefix, v_count, v_sequence FROM pgq.queue q WHERE q.queue_name = x_queue_name;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'Queue not found';
    ELSIF EXISTS (SELECT FROM millrace.set s WHERE s.queue = x_queue_name) THEN
        PERFORM millrace.close_queue(x_queue_name);
        RETURN 1;
    END IF;
    FOR v_table IN
        SELECT pgq.quote_fqname(v_prefix)
        UNION ALL SELECT pgq.quote_fqname(v_prefix || '_' || n) FROM generate_series(0, v_count - 1) AS n
    LOOP
        FOR v_grant IN
            SELECT a.privilege_type, CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END AS grantee
            FROM pg_class c, aclexplode(c.relacl) AS a
            WHERE c.oid = 'pgq.event_template'::regclass AND a.grantee <> c.relowner
        LOOP
            EXECUTE format('GRANT %s ON %s TO %s', v_grant.privilege_type, v_table, v_grant.grantee);
            IF v_grant.privilege_type = 'INSERT' THEN  -- the default of ev_id
                EXECUTE format('GRANT USAGE ON SEQUENCE %s TO %s', pgq.quote_fqname(v_sequence), v_grant.grantee);
            END IF;
        END LOOP;
    END LOOP;
    RETURN 1;
END $$;

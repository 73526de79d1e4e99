-- millrace.put_event(queue, ev_id, ev_time, ev_owner, ev_retry, ev_type, ev_data, ev_extra1 .. ev_extra4)
-- Purpose:    pgq.insert_event_raw without the check who calls: also for pgq.maint_retry_events, which any ticker runs.
-- Parameters, returns, errors: as pgq.insert_event_raw.
-- Tables:     pgq.queue (read), the current event table (insert).
CREATE OR REPLACE FUNCTION millrace.put_event(
    queue_name text, ev_id bigint, ev_time timestamptz, ev_owner integer, ev_retry integer, ev_type text,
    ev_data text, ev_extra1 text, ev_extra2 text, ev_extra3 text, ev_extra4 text) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    v_table    text;
    v_sequence regclass;
    v_disabled boolean;
    v_limit    integer;
    v_id       bigint;
BEGIN
    SELECT format('pgq.%I', substr(q.queue_data_pfx, 5) || '_' || q.queue_cur_table), q.queue_event_seq, q.queue_disable_insert, q.queue_per_tx_limit
    INTO v_table, v_sequence, v_disabled, v_limit
    FROM pgq.queue q WHERE q.queue_name = $1;
    IF v_table IS NULL THEN
        RAISE EXCEPTION '%', CASE WHEN queue_name IS NULL THEN 'Queue name must not be NULL' ELSE 'No such queue' END;
    ELSIF v_disabled AND current_setting('session_replication_role') <> 'replica' THEN
        RAISE EXCEPTION 'Insert into queue disallowed';
    ELSIF v_limit IS NOT NULL THEN
        PERFORM pgq.count_tx_events(queue_name, v_limit);
    END IF;
    v_id := nextval(v_sequence);
    v_id := coalesce(ev_id, v_id);
    EXECUTE 'INSERT INTO ' || v_table
         || ' (ev_id, ev_time, ev_owner, ev_retry, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4)'
         || ' VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)'
    USING v_id, coalesce(ev_time, now()), ev_owner, ev_retry, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4;
    RETURN v_id;
END $$;

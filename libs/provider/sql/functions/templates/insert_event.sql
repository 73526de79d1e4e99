-- pgq.insert_event(queue, ev_type, ev_data, ev_extra1 .. ev_extra4)
-- Purpose:    writes one event, in the caller's transaction. Says again what insert_event_raw does: a call less makes it
--             a third quicker, and applications pay for it.
--             A statement in a string is planned at every call, which costs as much as all the rest: so millrace.fill writes
--             one INSERT for each event table of the first queues (pgq.write_insert). Other queues get theirs at each call.
-- Parameters: queue_name - the queue; the rest may be NULL.
-- Returns:    the event's id. Errors as insert_event_raw.
-- Tables:     pgq.queue (read), the current event table (insert).
CREATE OR REPLACE FUNCTION pgq.insert_event(
    queue_name text, ev_type text, ev_data text, ev_extra1 text, ev_extra2 text, ev_extra3 text, ev_extra4 text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
#variable_conflict use_variable
DECLARE
    v_queue    integer;
    v_current  integer;
    v_prefix   text;
    v_sequence regclass;
    v_disabled boolean;
    v_limit    integer;
    v_is_set   boolean;
    v_id       bigint;
BEGIN
    SELECT q.queue_id, q.queue_cur_table, q.queue_data_pfx, q.queue_disable_insert, q.queue_per_tx_limit, q.queue_event_seq,
           EXISTS (SELECT FROM millrace.set s WHERE s.queue_id = q.queue_id)
    INTO v_queue, v_current, v_prefix, v_disabled, v_limit, v_sequence, v_is_set
    FROM pgq.queue q WHERE q.queue_name = $1;
    IF v_queue IS NULL THEN
        RAISE EXCEPTION '%', CASE WHEN queue_name IS NULL THEN 'Queue name must not be NULL' ELSE 'No such queue' END;
    ELSIF v_disabled AND current_setting('session_replication_role') <> 'replica' THEN
        RAISE EXCEPTION 'Insert into queue disallowed';
    ELSIF v_is_set THEN
        PERFORM millrace.refuse_outsider(queue_name);
    END IF;
    IF v_limit IS NOT NULL THEN
        PERFORM pgq.count_tx_events(queue_name, v_limit);
    END IF;
    v_id := nextval(v_sequence);
--each queues
    IF v_queue = {{queue_id}} THEN
--each event_tables
        IF v_current = {{number}} THEN
            INSERT INTO {{event_table}} VALUES (v_id, now(), DEFAULT, NULL, NULL, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4);
            RETURN v_id;
        END IF;
--end event_tables
    END IF;
--end queues
    EXECUTE concat('INSERT INTO pgq.', quote_ident(substr(v_prefix, 5) || '_' || v_current),
                   ' VALUES ($1, now(), DEFAULT, NULL, NULL, $2, $3, $4, $5, $6, $7)')
    USING v_id, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4;
    RETURN v_id;
END $body$;

-- millrace.token_part(queue, queue_id, snapshot, own)
-- Purpose:    the part of a token for one queue. Events are searched after the newest tick was read, by a later
--             or the same snapshot: an event that is not found is in that tick.
-- Parameters: i_seen - what the caller sees; i_own - the caller's transaction, if it has an id.
--             A ticker that rests, because nothing happened for long, is woken: only from a statement that is a transaction
--             of its own, for a transaction that has notified cannot be prepared.
-- Returns:    q queue, t and f the newest tick and its fingerprint; where something is in no tick yet: s the snapshot, o the
--             caller's own transaction if it has put events into the queue.
-- Tables:     pgq.queue, pgq.tick, the event tables (read), the event sequence.
CREATE OR REPLACE FUNCTION millrace.token_part(i_queue text, i_queue_id integer, i_seen txid_snapshot, i_own bigint) RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_tick record;
    v_part jsonb;
    -- Looking for events would tie a SERIALIZABLE caller to everybody who writes some: then the worst is taken for true.
    v_look boolean := current_setting('transaction_isolation') <> 'serializable';
    v_own  boolean := i_own IS NOT NULL;
BEGIN
    SELECT t.tick_id, t.tick_time, t.tick_snapshot, q.queue_event_seq,
           millrace.tick_fingerprint(millrace.system_identifier(), i_queue, t.tick_id, t.tick_time, t.tick_snapshot) AS fingerprint
    INTO v_tick FROM pgq.queue q LEFT JOIN LATERAL (
        SELECT * FROM pgq.tick t WHERE t.tick_queue = q.queue_id ORDER BY t.tick_id DESC LIMIT 1) AS t ON true
    WHERE q.queue_id = i_queue_id;
    v_part := jsonb_build_object('q', i_queue, 't', coalesce(v_tick.tick_id, 0), 'f', coalesce(v_tick.fingerprint, ''));
    IF v_look AND v_tick.tick_snapshot IS NOT NULL AND NOT millrace.has_unread_events(i_queue_id, v_tick.tick_snapshot) THEN
        RETURN v_part;
    END IF;
    IF v_look AND v_own THEN
        EXECUTE format('SELECT millrace.unread_%s(9223372036854775807, ARRAY[$1])', i_queue_id) INTO v_own USING i_own;
    END IF;
    IF current_setting('transaction_read_only') = 'off' THEN
        PERFORM nextval(v_tick.queue_event_seq::regclass);
    END IF;
    IF clock_timestamp() - v_tick.tick_time > interval '100 milliseconds' AND now() = statement_timestamp() THEN
        PERFORM pg_notify('millrace_token', i_queue);
    END IF;
    RETURN v_part || jsonb_build_object('s', i_seen::text) || CASE WHEN v_own THEN jsonb_build_object('o', i_own::text) ELSE '{}' END;
END $$;

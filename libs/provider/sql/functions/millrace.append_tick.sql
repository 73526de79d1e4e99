-- millrace.append_tick(queue_id, snapshot)
-- Purpose:    makes a tick. The one place that inserts one for a local ticker. The caller holds millrace.lock_ticks.
--             Order matters: the event sequence is read first, then the snapshot is taken, so that an event counted as
--             old by the sequence is at worst not yet visible, never the other way round. Then the chain is checked:
--             the new snapshot must contain the last one.
--             The tick's commit waits for its WAL whatever the session's settings: it is the barrier that makes all
--             that the batch holds durable before anyone reads it.
-- Parameters: i_snapshot - of a pinned tick; NULL: a fresh one.
-- Returns:    the tick; o_new_events - moved event ids since the last one (a hint).
-- Errors:     Invalid PgQ state (MR004): the cluster's transaction ids, or the given snapshot, are behind the last tick.
-- Tables:     pgq.queue (read), pgq.tick (insert); as millrace.lock_row.
CREATE OR REPLACE FUNCTION millrace.append_tick(
    IN i_queue_id integer, IN i_snapshot txid_snapshot,
    OUT o_tick bigint, OUT o_time timestamptz, OUT o_snapshot txid_snapshot, OUT o_new_events bigint) RETURNS record
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_tick_seq  text;
    v_event_seq bigint;
    v_last      record;
    v_fresh     txid_snapshot;
    v_number    bigint;
BEGIN
    -- A call that began before an upgrade holds the advisory lock that millrace.lock_ticks took then.
    PERFORM millrace.lock_row('ticks:' || i_queue_id, 'a tick of queue ' || i_queue_id);
    SELECT q.queue_tick_seq, coalesce(pg_sequence_last_value(q.queue_event_seq::regclass), 0)
    INTO v_tick_seq, v_event_seq FROM pgq.queue q WHERE q.queue_id = i_queue_id;

    SELECT t.tick_id, t.tick_snapshot, t.tick_event_seq INTO v_last
    FROM pgq.tick t WHERE t.tick_queue = i_queue_id ORDER BY t.tick_id DESC LIMIT 1;
    v_fresh := millrace.snapshot_with_own(txid_current_snapshot(), txid_current_if_assigned());
    o_snapshot := coalesce(i_snapshot, v_fresh);

    IF NOT millrace.snapshot_contains(v_fresh, o_snapshot) THEN
        RAISE EXCEPTION 'the snapshot % of a tick is not in the past: now is %', o_snapshot, v_fresh USING ERRCODE = 'MR004';
    END IF;
    IF v_last.tick_id IS NOT NULL AND NOT millrace.snapshot_contains(o_snapshot, v_last.tick_snapshot) THEN
        RAISE EXCEPTION 'Invalid PgQ state: old xmin=% of tick %, new xmin=%: snapshot % does not contain %',
            txid_snapshot_xmin(v_last.tick_snapshot), v_last.tick_id, txid_snapshot_xmin(o_snapshot), o_snapshot, v_last.tick_snapshot
            USING ERRCODE = 'MR004', HINT = 'the queue is older or newer than this cluster: was it restored from a dump?';
    END IF;
    IF current_setting('synchronous_commit') IN ('off', 'local', 'remote_write') THEN
        PERFORM set_config('synchronous_commit', 'on', true);
    END IF;
    -- Numbers are the order of the chain, whatever somebody did to the sequence (a cache, a value set back).
    v_number := nextval(v_tick_seq::regclass);
    IF v_number <= v_last.tick_id THEN
        v_number := setval(v_tick_seq::regclass, v_last.tick_id + 1);
    END IF;
    INSERT INTO pgq.tick AS t (tick_queue, tick_id, tick_time, tick_snapshot, tick_event_seq)
    VALUES (i_queue_id, v_number, clock_timestamp(), o_snapshot, v_event_seq)
    RETURNING t.tick_id, t.tick_time INTO o_tick, o_time;
    -- Whoever listens holds this lock, shared (pgq.listen_ticks).
    IF NOT pg_try_advisory_xact_lock(1886873970, i_queue_id) THEN  -- "pgq2": README.md
        PERFORM pg_notify('pgq_tick_' || i_queue_id, o_tick::text);
    END IF;
    o_new_events := v_event_seq - coalesce(v_last.tick_event_seq, 0);
END $$;

-- millrace.make_tick(queue, snapshot, thorough)
-- Purpose:    ticks without asking whether one is due. The caller holds millrace.lock_ticks. Sequences go first, so
--             that the tick's batch has their values (not for a pinned tick: its snapshot is older).
-- Parameters: i_snapshot - of a pinned tick; NULL: a fresh one; i_thorough - as in publish_sequences.
-- Returns:    one row. Errors: this set belongs to another cluster (MR004); as append_tick.
-- Tables:     millrace.set (read); as publish_sequences, append_tick.
CREATE OR REPLACE FUNCTION millrace.make_tick(
    IN i_queue text, IN i_snapshot txid_snapshot, IN i_thorough boolean,
    OUT tick bigint, OUT fingerprint text, OUT tick_time timestamptz, OUT new_events bigint) RETURNS record
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_system text := millrace.system_identifier();
    v_set    record;
    v_tick   record;
BEGIN
    SELECT q.queue_id, s.system_identifier INTO v_set
    FROM pgq.queue q LEFT JOIN millrace.set s ON s.queue = q.queue_name WHERE q.queue_name = i_queue;
    IF v_set.system_identifier <> v_system THEN
        RAISE EXCEPTION 'queue % was made on cluster %, this is cluster %', i_queue, v_set.system_identifier, v_system
            USING ERRCODE = 'MR004', HINT = 'a dump restored elsewhere is not a continuation: remove the set and add its tables again';
    END IF;
    IF i_snapshot IS NULL THEN
        PERFORM millrace.publish_sequences(i_queue, i_thorough);
    END IF;
    SELECT * INTO v_tick FROM millrace.append_tick(v_set.queue_id, i_snapshot);
    tick := v_tick.o_tick;
    tick_time := v_tick.o_time;
    new_events := v_tick.o_new_events;
    fingerprint := millrace.tick_fingerprint(v_system, i_queue, tick, tick_time, v_tick.o_snapshot);
END $$;

-- pgq.maint_rotate_tables_step1(queue)
-- Purpose:    switches a queue to its next event table, after emptying it, when the rotation period is over and no
--             consumer needs what is in there.
--             "Needs" is checked twice. First PgQ's rule: the slowest consumer's snapshot must show the last switch. (PgQ
--             compares xmin, so that any long transaction in the cluster stops rotation; visibility is what is meant.)
--             That is not enough: a long transaction, or a REPEATABLE READ one that saw an older current table, has
--             rows where the rule does not expect them. So, under the exclusive lock that lets no writer be half-way,
--             the rows themselves are checked: one that the slowest consumer's snapshot does not show has not been read,
--             and the table stays unchanged until it has.
--             Never waits for a reader or writer: a lock that is not free means "later".
-- Returns:    0. Errors: queue ... maint failure (transaction ids went back); tick ... not found; not READ COMMITTED (MR003).
-- Tables:     pgq.queue (update), pgq.subscription (read), pgq.tick (delete old ones), event table (truncate).
CREATE OR REPLACE FUNCTION pgq.maint_rotate_tables_step1(i_queue_name text) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_queue  record;
    v_lowest bigint;
    v_seen   txid_snapshot;
    v_next   integer;
    v_table  text;
    v_oldest bigint;
BEGIN
    IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
        RAISE EXCEPTION 'rotation needs a READ COMMITTED transaction, this one is %', upper(current_setting('transaction_isolation'))
            USING ERRCODE = 'MR003', HINT = 'with an older snapshot it would not see who needs what it empties';
    END IF;
    -- NO KEY: a tick's foreign key does not wait for us. Registering a consumer does (FOR SHARE).
    SELECT * INTO v_queue FROM pgq.queue q
    WHERE q.queue_name = i_queue_name AND q.queue_rotation_period IS NOT NULL AND q.queue_switch_step2 IS NOT NULL
      AND (q.queue_switch_time + q.queue_rotation_period < current_timestamp
           OR q.queue_switch_time - q.queue_rotation_period > current_timestamp)  -- the clock went back
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN 0;
    END IF;
    IF txid_current() < v_queue.queue_switch_step1 THEN
        RAISE EXCEPTION 'queue % maint failure: step1=%, current=%', i_queue_name, v_queue.queue_switch_step1, txid_current();
    END IF;

    SELECT min(s.sub_last_tick) INTO v_lowest FROM pgq.subscription s WHERE s.sub_queue = v_queue.queue_id;
    IF v_lowest IS NOT NULL THEN
        SELECT t.tick_snapshot INTO v_seen FROM pgq.tick t WHERE t.tick_queue = v_queue.queue_id AND t.tick_id = v_lowest;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'queue % maint failure: tick % not found', i_queue_name, v_lowest;
        END IF;
        IF NOT txid_visible_in_snapshot(v_queue.queue_switch_step2, v_seen) THEN
            RETURN 0;
        END IF;
    END IF;

    v_next := (v_queue.queue_cur_table + 1) % v_queue.queue_ntables;
    v_table := pgq.quote_fqname(v_queue.queue_data_pfx || '_' || v_next);
    -- Whoever waited for the lock would hold up readers behind it. Asking again for a tenth of a second holds up nobody, and finds the
    -- moment between two transactions of consumers that are always busy.
    FOR n IN 1 .. 50 LOOP
        BEGIN
            EXECUTE 'LOCK TABLE ' || v_table || ' IN ACCESS EXCLUSIVE MODE NOWAIT';
            EXIT;
        EXCEPTION WHEN lock_not_available THEN
            IF n = 50 THEN
                RETURN 0;
            END IF;
            PERFORM pg_sleep(0.002);
        END;
    END LOOP;
    IF v_seen IS NOT NULL AND millrace.table_has_unread(v_table, v_seen) THEN
        RETURN 0;
    END IF;

    -- Ticks from before the last switch go, so a consumer can be set back by one period at least; and later ones that
    -- do not show all that is emptied now: a consumer set back to one of those would miss events. The slowest
    -- consumer's tick, or the last one, stays.
    v_lowest := coalesce(v_lowest, (SELECT max(t.tick_id) FROM pgq.tick t WHERE t.tick_queue = v_queue.queue_id));
    DELETE FROM pgq.tick t
    WHERE t.tick_queue = v_queue.queue_id AND t.tick_id < v_lowest
      AND NOT txid_visible_in_snapshot(v_queue.queue_switch_step2, t.tick_snapshot);
    SELECT min(t.tick_id) INTO v_oldest FROM pgq.tick t WHERE t.tick_queue = v_queue.queue_id;
    IF EXISTS (SELECT FROM pgq.tick t WHERE t.tick_queue = v_queue.queue_id AND t.tick_id = v_oldest
               AND millrace.table_has_unread(v_table, t.tick_snapshot)) THEN
        DELETE FROM pgq.tick t
        WHERE t.tick_queue = v_queue.queue_id AND t.tick_id < v_lowest AND millrace.table_has_unread(v_table, t.tick_snapshot);
    END IF;

    EXECUTE 'TRUNCATE TABLE ' || v_table;
    UPDATE pgq.queue q
    SET queue_cur_table = v_next, queue_switch_time = current_timestamp, queue_switch_step1 = txid_current(), queue_switch_step2 = NULL
    WHERE q.queue_id = v_queue.queue_id;
    PERFORM millrace.point_capture(v_queue.queue_id);
    RETURN 0;
END $$;

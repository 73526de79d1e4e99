-- pgq.repair_queue(queue)
-- Purpose:    makes a queue usable again that was restored from a dump into a cluster whose transaction ids are lower than the queue's:
--             there its ticker fails with "Invalid PgQ state". Events and ticks get small ids that stand in the same order:
--             every batch, open or to come, has the events it would have had.
--             Only ticks that a consumer stands on, and the last one, are kept: a batch then reaches to the next of those.
-- Parameters: i_queue_name - the queue. Nobody may write to it meanwhile: its event tables are locked.
-- Returns:    ticks kept; 0 when nothing is wrong with the queue.
-- Errors:     no such queue; not READ COMMITTED (MR003); carries a set (MR004): subscribers know the old history, their tables
--             have to be copied again.
-- Tables:     pgq.queue, pgq.tick, event tables (write), pgq.subscription, millrace.set (read).
CREATE OR REPLACE FUNCTION pgq.repair_queue(i_queue_name text) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_base   CONSTANT bigint := 3;  -- the first id that a transaction can have
    v_queue  integer := millrace.lock_ticks(i_queue_name);
    v_table  text := (SELECT pgq.quote_fqname(q.queue_data_pfx) FROM pgq.queue q WHERE q.queue_id = v_queue FOR UPDATE);
    v_now    bigint := txid_snapshot_xmin(txid_current_snapshot());
    v_old    txid_snapshot[];
    v_wrong  boolean;
BEGIN
    PERFORM millrace.refuse_outsider(i_queue_name);
    EXECUTE 'LOCK TABLE ' || v_table || ' IN ACCESS EXCLUSIVE MODE';
    EXECUTE 'SELECT EXISTS (SELECT FROM pgq.tick t WHERE t.tick_queue = $1 AND txid_snapshot_xmax(t.tick_snapshot) > $2)'
         || ' OR EXISTS (SELECT FROM ' || v_table || ' WHERE ev_txid > $2)'
    INTO v_wrong USING v_queue, txid_snapshot_xmax(txid_current_snapshot());
    IF NOT v_wrong THEN
        RETURN 0;
    ELSIF EXISTS (SELECT FROM millrace.set s WHERE s.queue = i_queue_name) THEN
        RAISE EXCEPTION 'queue % carries a set, whose subscribers know another history', i_queue_name
            USING ERRCODE = 'MR004', HINT = 'create the set again and copy its tables';
    END IF;
    DELETE FROM pgq.tick t
    WHERE t.tick_queue = v_queue AND t.tick_id < (SELECT max(l.tick_id) FROM pgq.tick l WHERE l.tick_queue = v_queue)
      AND NOT EXISTS (SELECT FROM pgq.subscription s WHERE s.sub_queue = v_queue AND t.tick_id IN (s.sub_last_tick, s.sub_next_tick));
    SELECT array_agg(t.tick_snapshot ORDER BY t.tick_id) INTO v_old FROM pgq.tick t WHERE t.tick_queue = v_queue;
    IF v_base + cardinality(v_old) >= v_now THEN
        RAISE EXCEPTION 'this cluster is too young for % ticks: its transaction ids begin at %', cardinality(v_old), v_now
            USING ERRCODE = 'MR004', HINT = 'try again after some more transactions';
    END IF;
    -- The snapshots are a chain: an event is as old as the number of those that do not show it.
    EXECUTE 'UPDATE ' || v_table || ' SET ev_txid = $1 + (SELECT count(*) FROM unnest($2) AS o(snapshot)'
         || ' WHERE NOT txid_visible_in_snapshot(ev_txid, o.snapshot))'
    USING v_base, v_old;
    UPDATE pgq.tick t SET tick_snapshot = format('%1$s:%1$s:', v_base + o.n)::txid_snapshot
    FROM (SELECT k.tick_id, row_number() OVER (ORDER BY k.tick_id) AS n FROM pgq.tick k WHERE k.tick_queue = v_queue) AS o
    WHERE t.tick_queue = v_queue AND t.tick_id = o.tick_id;
    UPDATE pgq.queue q SET queue_switch_step1 = v_base, queue_switch_step2 = v_base WHERE q.queue_id = v_queue;
    RETURN cardinality(v_old);
END $$;

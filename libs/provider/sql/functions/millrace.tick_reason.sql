-- millrace.tick_reason(queue)
-- Purpose:    why a tick is due, if one is. Cheap: the ticker calls it many times a second.
-- Returns:    events    new events, or one that was committed after the tick that counted its id;
--             sequence  a sequence of the set moved (one that was never used and is set without being called is
--                       noticed by an idle or forced tick only: telling it needs a read of each);
--             idle      the idle period is over, or the clock went back by more than it, or there is no tick yet;
--             NULL      none is due, or the queue is paused or ticked from elsewhere.
-- Errors:     no such queue (MR001).
-- Tables:     pgq.queue, pgq.tick, the sequences of the set, the event tables at times (read).
CREATE OR REPLACE FUNCTION millrace.tick_reason(i_queue text) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v record;
BEGIN
    SELECT q.queue_id, q.queue_ticker_paused OR q.queue_external_ticker AS off, q.queue_ticker_idle_period AS idle,
           t.tick_time, t.tick_snapshot, t.tick_event_seq, txid_current_snapshot() AS now_snapshot,
           coalesce(pg_sequence_last_value(q.queue_event_seq::regclass), 0) AS event_seq
    INTO v
    FROM pgq.queue q
    LEFT JOIN LATERAL (
        SELECT * FROM pgq.tick t WHERE t.tick_queue = q.queue_id ORDER BY t.tick_id DESC LIMIT 1) AS t ON true
    WHERE q.queue_name = i_queue;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no such queue: %', coalesce(i_queue, 'NULL') USING ERRCODE = 'MR001';
    END IF;
    IF v.off THEN
        RETURN NULL;
    ELSIF v.tick_snapshot IS NULL OR clock_timestamp() - v.tick_time >= v.idle OR v.tick_time - clock_timestamp() >= v.idle THEN
        RETURN 'idle';
    ELSIF v.event_seq > v.tick_event_seq THEN
        RETURN 'events';
    END IF;
    -- The last tick's own transaction has moved xmax by one. Nothing else ended: nothing can have been committed.
    IF (txid_snapshot_xmax(v.now_snapshot) > txid_snapshot_xmax(v.tick_snapshot) + 1
        OR EXISTS (SELECT FROM txid_snapshot_xip(v.tick_snapshot) AS x WHERE txid_visible_in_snapshot(x, v.now_snapshot)))
       AND millrace.has_unread_events(v.queue_id, v.tick_snapshot) THEN
        RETURN 'events';
    END IF;
    RETURN CASE WHEN millrace.sequences_moved(i_queue) THEN 'sequence' END;
END $$;

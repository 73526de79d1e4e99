-- millrace.is_tick_due(queue)
-- Purpose:    whether a tick would bring something: new events, a sequence of the set that moved, an event committed
--             late, or the idle period is over. Cheap: the ticker asks many times a second.
-- Returns:    boolean; false when the queue is paused or ticked from elsewhere. Errors: no such queue (MR001).
-- Tables:     pgq.queue, pgq.tick, millrace.set_sequence, the event tables at times (read).
CREATE OR REPLACE FUNCTION millrace.is_tick_due(i_queue text) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v record;
BEGIN
    SELECT q.queue_data_pfx, q.queue_ticker_paused OR q.queue_external_ticker AS off, q.queue_ticker_idle_period AS idle,
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
        RETURN false;
    END IF;
    IF v.tick_snapshot IS NULL OR v.event_seq > v.tick_event_seq OR clock_timestamp() - v.tick_time >= v.idle THEN
        RETURN true;
    END IF;
    -- The last tick's own transaction has moved xmax by one. Nothing else ended: nothing can have been committed.
    IF (txid_snapshot_xmax(v.now_snapshot) > txid_snapshot_xmax(v.tick_snapshot) + 1
        OR EXISTS (SELECT FROM txid_snapshot_xip(v.tick_snapshot) AS x WHERE txid_visible_in_snapshot(x, v.now_snapshot)))
       AND millrace.has_unread_events(v.queue_data_pfx, v.tick_snapshot) THEN
        RETURN true;
    END IF;
    RETURN EXISTS (
        SELECT FROM millrace.set_sequence s LEFT JOIN pg_class c ON c.oid = s.relid AND c.relkind = 'S'
        WHERE s.queue = i_queue AND CASE
            WHEN c.oid IS NULL THEN to_regclass(format('%I.%I', s.schema_name, s.sequence_name)) IS NOT NULL
            ELSE pg_sequence_last_value(c.oid) IS DISTINCT FROM CASE WHEN s.is_called THEN s.last_value END
                 OR s.is_called IS NULL
        END);
END $$;

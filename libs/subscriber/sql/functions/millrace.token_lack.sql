-- millrace.token_lack(part, tables)
-- Purpose:    what is missing here yet of what a part of a token (millrace.token_parts) asks. It has been applied when the
--             position is at the token's tick; or, where the token carries a snapshot, when the applied tick saw every
--             transaction that the snapshot sees, and the asker's own. Transaction ids mean something only in one history
--             of the provider: after a promotion or a restore the same id may be another transaction.
-- Parameters: tables - those that have to be complete; NULL: all of the queue.
-- Returns:    a sentence for people; NULL: nothing is missing.
-- Errors:     queue not followed here any more (MR001); the token is of another provider or history (MR004).
-- Tables:     millrace.position, subscribed_table, control, replay_report (read).
CREATE OR REPLACE FUNCTION millrace.token_lack(part jsonb, tables regclass[]) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v          record;
    v_wanted   pg_snapshot := (part ->> 's')::pg_snapshot;
    v_timeline integer := (part ->> 'l')::integer;
    v_tick     bigint := (part ->> 't')::bigint;
    v_seen     boolean;
BEGIN
    -- One statement: position and states of the tables as of one moment.
    SELECT p.*, c.paused, r.state, r.error_code, (
        SELECT string_agg(format('%I.%I is %s', t.schema_name, t.table_name, t.state), ', ') FROM millrace.subscribed_table t
        WHERE t.queue = p.queue AND t.state <> 'ok' AND (tables IS NULL OR EXISTS (
            SELECT FROM pg_class k JOIN pg_namespace n ON n.oid = k.relnamespace
            WHERE k.oid = ANY (tables) AND n.nspname = t.schema_name AND k.relname = t.table_name))) AS incomplete
    INTO v FROM millrace.position p LEFT JOIN millrace.control c USING (queue) LEFT JOIN millrace.replay_report r USING (queue)
    WHERE p.queue = part ->> 'q';
    IF NOT FOUND THEN
        RAISE EXCEPTION 'queue % is not followed in this database any more', part ->> 'q' USING ERRCODE = 'MR001';
    ELSIF v.provider <> part ->> 'p' THEN
        RAISE EXCEPTION 'queue %: the token is of cluster %, this database follows cluster %', part ->> 'q', part ->> 'p', v.provider
            USING ERRCODE = 'MR004', HINT = 'take the token at the provider that this subscriber follows';
    END IF;
    IF v.tick = v_tick AND v.fingerprint <> part ->> 'f' OR v.tick >= v_tick AND v.seen_timeline > v_timeline THEN
        RAISE EXCEPTION 'queue %: the token is of another history of the provider than this database follows', part ->> 'q'
            USING ERRCODE = 'MR004', HINT = 'the provider was promoted or restored, what the token stands for may be lost: look there, and take a new token';
    END IF;
    IF v_wanted IS NULL THEN
        v_seen := v.tick = v_tick OR (v.tick > v_tick AND v.seen_timeline = v_timeline);
    ELSE
        v_seen := v.seen_timeline = v_timeline AND millrace.snapshot_includes(v.seen_snapshot::pg_snapshot, v_wanted)
            AND coalesce(pg_visible_in_snapshot((part ->> 'o')::xid8, v.seen_snapshot::pg_snapshot), true);
    END IF;
    IF v_seen AND v.incomplete IS NULL THEN
        RETURN NULL;
    END IF;
    RETURN concat_ws(', ', format('queue %s is at tick %s', part ->> 'q', v.tick),
        'applied ' || (clock_timestamp() - v.applied_at)::interval(1) || ' ago',
        CASE WHEN v.paused THEN 'paused' WHEN v.state = 'stopped' THEN 'stopped: ' || coalesce(v.error_code, '') END,
        v.incomplete);
END $$;

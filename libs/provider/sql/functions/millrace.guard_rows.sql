-- millrace.guard_rows(): the function of the triggers guard_set on the tables of schema pgq that pgq_admin may write to.
-- Purpose:    a row that belongs to a set's queue is written by Millrace only; and no row of pgq.queue names other event tables
--             and sequences than its own, which a set's could be. The triggers are called for those only who have no right to
--             write to millrace.set: not for the functions of schema pgq, which run as the owner.
-- Parameters: the column with the queue's id; in pgq.consumer, which has none, the consumer's.
-- Returns:    the row. Errors: the row belongs to a set; names of other tables (42501).
-- Tables:     millrace.set, pgq.subscription (read).
CREATE OR REPLACE FUNCTION millrace.guard_rows() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_rows jsonb[] := ARRAY[CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END, CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END];
    v_new  jsonb := v_rows[2];
    v_set  text;
BEGIN
    SELECT s.queue INTO v_set
    FROM unnest(v_rows) AS r(fields), millrace.set s
    WHERE CASE TG_ARGV[0]
        WHEN 'co_id' THEN EXISTS (
            SELECT FROM pgq.subscription b WHERE b.sub_queue = s.queue_id AND b.sub_consumer = (r.fields ->> 'co_id')::integer)
        ELSE s.queue_id = (r.fields ->> TG_ARGV[0])::integer END;
    IF FOUND THEN
        RAISE EXCEPTION 'queue % carries the tables of a set: only Millrace writes to its rows in %', v_set, TG_RELID::regclass
            USING ERRCODE = 'insufficient_privilege', HINT = 'Sets are changed by the commands of Millrace, as a member of millrace_owner.';
    END IF;
    IF TG_ARGV[0] = 'queue_id' AND TG_OP <> 'DELETE' AND (
        v_new ->> 'queue_data_pfx' <> 'pgq.event_' || (v_new ->> 'queue_id')
        OR v_new ->> 'queue_event_seq' <> 'pgq.event_' || (v_new ->> 'queue_id') || '_id_seq'
        OR v_new ->> 'queue_tick_seq' <> 'pgq.event_' || (v_new ->> 'queue_id') || '_tick_seq') THEN
        RAISE EXCEPTION 'queue % cannot have the tables and sequences of another', v_new ->> 'queue_name' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$;

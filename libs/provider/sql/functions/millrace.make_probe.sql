-- millrace.make_probe(queue_id)
-- Purpose:    writes function millrace.unread_<queue id>(xmax, xip): whether an event is committed that a snapshot does
--             not show, by two index probes in each event table. A function of the queue's own keeps its plan, which
--             makes the question several times cheaper than asking through dynamic SQL. No sequential scan: the plan is
--             made while the tables are small, and kept when they are not.
-- Returns:    nothing.
-- Tables:     pgq.queue (read).
CREATE OR REPLACE FUNCTION millrace.make_probe(i_queue_id integer) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_test text;
BEGIN
    SELECT string_agg(format('EXISTS (SELECT FROM %1$s WHERE ev_txid >= i_xmax)'
               || ' OR (i_running <> ''{}'' AND EXISTS (SELECT FROM %1$s WHERE ev_txid = ANY (i_running)))',
               pgq.quote_fqname(q.queue_data_pfx || '_' || n)), ' OR ')
    INTO STRICT v_test FROM pgq.queue q, generate_series(0, q.queue_ntables - 1) AS n WHERE q.queue_id = i_queue_id;
    EXECUTE format($code$
        CREATE OR REPLACE FUNCTION millrace.unread_%s(i_xmax bigint, i_running bigint[]) RETURNS boolean
        LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $probe$
        BEGIN
            RETURN %s;
        END $probe$ $code$, i_queue_id, v_test);
    EXECUTE format('REVOKE ALL ON FUNCTION millrace.unread_%s(bigint, bigint[]) FROM PUBLIC', i_queue_id);
END $$;

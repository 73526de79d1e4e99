-- millrace.unread_<queue id>(xmax, running)
-- Purpose:    whether an event is committed that a snapshot does not show, by two index probes in each event table. A function
--             of the queue's own keeps its plan, which makes the question several times cheaper than dynamic SQL.
--             No sequential scan: the plan is made while the tables are small, and kept when they are not.
-- Parameters: i_xmax, i_running - of the snapshot.
-- Returns:    true when there is one.
-- Tables:     the queue's event tables (read).
CREATE OR REPLACE FUNCTION millrace.unread_{{queue_id}}(i_xmax bigint, i_running bigint[]) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $body$
BEGIN
    RETURN false
--each event_tables
        OR EXISTS (SELECT FROM {{event_table}} WHERE ev_txid >= i_xmax)
        OR (i_running <> '{}' AND EXISTS (SELECT FROM {{event_table}} WHERE ev_txid = ANY (i_running)))
--end event_tables
        ;
END $body$;
REVOKE ALL ON FUNCTION millrace.unread_{{queue_id}}(bigint, bigint[]) FROM PUBLIC;

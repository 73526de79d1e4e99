-- millrace.interval_sql(data_pfx, prev, cur, columns, owner)
-- Purpose:    the SELECT for the events between two snapshots.
--             The simple query is:  WHERE visible(ev_txid, cur) AND NOT visible(ev_txid, prev)  ORDER BY ev_id.
--             It is slow, because no index knows visibility. Two refinements make it a range scan:
--             1. What is not visible in prev is at or above prev's xmax, or was running in prev. What is visible in
--                cur is below cur's xmax. So a range from xmax(prev) to xmax(cur) holds all but the transactions that
--                were running in prev and have ended since. These are few: they are named one by one, and need no
--                visibility test. A long transaction so costs one index probe, not a scan back to its start.
--             2. Those of them that are close below the range (100, walking down) just lower its start.
--             All event tables of the queue are read (through their parent): a REPEATABLE READ writer may write to
--             the table that was current when its snapshot was taken, any number of rotations ago.
-- Parameters: i_data_pfx - pgq.event_N; i_prev, i_cur - snapshots; i_columns - the list to select, ev_id first;
--             i_owner - condition on ev_owner, SQL. Literals only: the text runs in any session.
-- Returns:    SQL text.
-- Tables:     none.
CREATE OR REPLACE FUNCTION millrace.interval_sql(
    i_data_pfx text, i_prev txid_snapshot, i_cur txid_snapshot, i_columns text, i_owner text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_select text := 'SELECT ' || i_columns || ' FROM ' || pgq.quote_fqname(i_data_pfx) || ' WHERE ';
    v_low    bigint := txid_snapshot_xmax(i_prev);
    v_single bigint[] := '{}';
    v_xid    bigint;
    v_sql    text;
BEGIN
    FOR v_xid IN
        SELECT x FROM txid_snapshot_xip(i_prev) AS x WHERE txid_visible_in_snapshot(x, i_cur) ORDER BY x DESC
    LOOP
        IF v_xid >= v_low - 100 THEN
            v_low := v_xid;
        ELSE
            v_single := v_single || v_xid;
        END IF;
    END LOOP;
    v_sql := v_select
        || format('ev_txid BETWEEN %s AND %s', v_low, txid_snapshot_xmax(i_cur))
        || format(' AND pg_catalog.txid_visible_in_snapshot(ev_txid, %L::pg_catalog.txid_snapshot)', i_cur)
        || format(' AND NOT pg_catalog.txid_visible_in_snapshot(ev_txid, %L::pg_catalog.txid_snapshot)', i_prev)
        || ' AND ' || i_owner;
    IF cardinality(v_single) > 0 THEN
        v_sql := v_sql || ' UNION ALL ' || v_select
            || format('ev_txid IN (%s)', array_to_string(v_single, ',')) || ' AND ' || i_owner;
    END IF;
    RETURN v_sql || ' ORDER BY 1';
END $$;

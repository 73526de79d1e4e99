-- millrace.has_unread_events(data_pfx, snapshot)
-- Purpose:    whether a committed event is not in any tick yet. Needed because an event takes its id when it is
--             written and may be committed after a tick has counted that id: the sequence no longer tells of it.
--             Asked only when the sequence stands still and other transactions have ended since the last tick.
-- Parameters: i_data_pfx - pgq.event_N; i_snapshot - of the last tick.
-- Returns:    boolean.
-- Tables:     the event tables (two index probes each).
CREATE OR REPLACE FUNCTION millrace.has_unread_events(i_data_pfx text, i_snapshot txid_snapshot) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_found boolean;
BEGIN
    EXECUTE 'SELECT EXISTS (SELECT FROM ' || pgq.quote_fqname(i_data_pfx) || ' WHERE ev_txid >= $1)'
         || ' OR EXISTS (SELECT FROM ' || pgq.quote_fqname(i_data_pfx) || ' WHERE ev_txid = ANY ($2))'
    INTO v_found
    USING txid_snapshot_xmax(i_snapshot), ARRAY(SELECT txid_snapshot_xip(i_snapshot));
    RETURN v_found;
END $$;

-- millrace.has_unread_events(queue_id, snapshot)
-- Purpose:    whether a committed event is not in any tick yet. Needed because an event takes its id when it is
--             written and may be committed after a tick has counted that id: the sequence no longer shows it.
--             Checked only when the sequence stands still and other transactions have ended since the last tick.
-- Parameters: i_snapshot - of the last tick.
-- Returns:    boolean.
-- Tables:     the event tables, through the queue's own function: see millrace.make_probe.
CREATE OR REPLACE FUNCTION millrace.has_unread_events(i_queue_id integer, i_snapshot txid_snapshot) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_found boolean;
BEGIN
    EXECUTE format('SELECT millrace.unread_%s($1, $2)', i_queue_id) INTO v_found
    USING txid_snapshot_xmax(i_snapshot), ARRAY(SELECT txid_snapshot_xip(i_snapshot));
    RETURN v_found;
END $$;

-- millrace.table_has_unread(table, snapshot)
-- Purpose:    whether an event table holds a row that a snapshot does not show: one at or above its xmax, or of a
--             transaction that was running in it. Two index probes, whatever the table's size.
-- Parameters: i_table - quoted name.
-- Returns:    boolean.
-- Tables:     the event table (read).
CREATE OR REPLACE FUNCTION millrace.table_has_unread(i_table text, i_snapshot txid_snapshot) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_found boolean;
BEGIN
    EXECUTE format('SELECT EXISTS (SELECT FROM %1$s WHERE ev_txid >= $1) OR EXISTS (SELECT FROM %1$s WHERE ev_txid = ANY ($2))', i_table)
    INTO v_found
    USING txid_snapshot_xmax(i_snapshot), ARRAY(SELECT txid_snapshot_xip(i_snapshot));
    RETURN v_found;
END $$;

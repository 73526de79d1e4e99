-- pgq.maint_rotate_tables_step2()
-- Purpose:    records, in a later transaction than the switch, that it is known to all: a transaction with a higher id
--             than this one writes to the new table. Does nothing in the transaction of the switch itself.
-- Returns:    0.
-- Tables:     pgq.queue (update).
CREATE OR REPLACE FUNCTION pgq.maint_rotate_tables_step2() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE pgq.queue q SET queue_switch_step2 = txid_current()
    WHERE q.queue_switch_step2 IS NULL AND q.queue_switch_step1 <> txid_current();
    RETURN 0;
END $$;

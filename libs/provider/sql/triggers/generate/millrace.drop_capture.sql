-- millrace.drop_capture(queue_id, root, rel)
-- Purpose:    drops the capture functions of a registered table, and with them their triggers.
-- Parameters: i_queue_id; i_root - the registered table; i_rel - only those of this partition, NULL for all.
-- Returns:    number of functions dropped.
-- Errors:     lock_not_available (55P03): the table is in use; try again.
-- Tables:     pg_proc (read).
CREATE OR REPLACE FUNCTION millrace.drop_capture(i_queue_id integer, i_root oid, i_rel oid) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_name  text;
    v_count integer := 0;
BEGIN
    FOR v_name IN
        SELECT p.proname FROM pg_proc p
        WHERE p.pronamespace = 'millrace'::regnamespace AND p.prorettype = 'trigger'::regtype
          AND p.proname ~ format('^capture_%s_%s_%s_[iudtb]$', i_queue_id, i_root, coalesce(i_rel::text, '[0-9]+'))
    LOOP
        EXECUTE format('DROP FUNCTION millrace.%I() CASCADE', v_name);
        v_count := v_count + 1;
    END LOOP;
    RETURN v_count;
END $$;

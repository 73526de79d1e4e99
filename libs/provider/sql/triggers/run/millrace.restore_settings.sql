-- millrace.restore_settings(saved)
-- Purpose:    gives a session its settings back after millrace.capture_steps pinned them for one capture.
-- Parameters: i_saved - names and values in turn.
-- Returns:    nothing.
-- Tables:     none.
CREATE OR REPLACE FUNCTION millrace.restore_settings(i_saved text[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    FOR n IN 1 .. cardinality(i_saved) BY 2 LOOP
        PERFORM set_config(i_saved[n], i_saved[n + 1], true);
    END LOOP;
END $$;

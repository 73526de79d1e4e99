-- pgq.restore_settings(saved)
-- Purpose:    takes back what pgq.pin_settings did.
-- Parameters: i_saved - what it returned.
-- Returns:    nothing.
-- Tables:     none.
CREATE OR REPLACE FUNCTION pgq.restore_settings(i_saved text[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    FOR n IN 1 .. coalesce(cardinality(i_saved), 0) BY 2 LOOP
        PERFORM set_config(i_saved[n], i_saved[n + 1], true);
    END LOOP;
END $$;

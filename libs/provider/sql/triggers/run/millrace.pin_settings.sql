-- millrace.pin_settings()
-- Purpose:    pins, until the end of the transaction or millrace.restore_settings, all settings that the text of a value
--             depends on.
-- Parameters: none.
-- Returns:    what they were: names and values in turn.
-- Tables:     none.
CREATE OR REPLACE FUNCTION millrace.pin_settings() RETURNS text[]
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_saved text[];
BEGIN
    SELECT array_agg(x.part ORDER BY s.name, x.n) INTO v_saved
    FROM millrace.pinned_settings('a') s, unnest(ARRAY[s.name, current_setting(s.name)]) WITH ORDINALITY AS x(part, n);
    PERFORM set_config(s.name, s.value, true) FROM millrace.pinned_settings('a') s;
    RETURN v_saved;
END $$;

-- millrace.write_capture(name, mark, pins, source)
-- Purpose:    makes or replaces one capture function. It runs with its owner's rights, so that the application needs none
--             on the queue, with a search path and settings of its own, and nobody but its trigger can call it.
-- Parameters: i_name - in schema millrace; i_mark - its comment: what it was made for; i_pins - letters of
--             millrace.capture_pins; i_source - its body.
-- Returns:    nothing.
-- Tables:     none; makes a function.
CREATE OR REPLACE FUNCTION millrace.write_capture(i_name text, i_mark text, i_pins text, i_source text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_settings text := (SELECT string_agg(format(' SET %s = %L', s.name, s.value), '') FROM millrace.pinned_settings(i_pins) s);
BEGIN
    EXECUTE format('CREATE OR REPLACE FUNCTION millrace.%I() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp%s AS %L',
        i_name, v_settings, i_source);
    EXECUTE format('COMMENT ON FUNCTION millrace.%I() IS %L', i_name, i_mark);
    EXECUTE format('REVOKE ALL ON FUNCTION millrace.%I() FROM PUBLIC', i_name);
END $$;

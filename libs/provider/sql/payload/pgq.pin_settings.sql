-- pgq.pin_settings()
-- Purpose:    pins, until pgq.restore_settings or the end of the transaction, what the text of a value depends on, if the
--             session has it otherwise. Payloads must not depend on who writes.
-- Returns:    names and values that were, in turn; NULL when nothing had to be changed.
-- Tables:     none.
CREATE OR REPLACE FUNCTION pgq.pin_settings() RETURNS text[]
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_saved text[];
BEGIN
    IF current_setting('DateStyle') LIKE 'ISO%' AND current_setting('TimeZone') = 'UTC' AND current_setting('IntervalStyle') = 'postgres'
       AND current_setting('extra_float_digits') = '1' AND current_setting('bytea_output') = 'hex' AND current_setting('lc_monetary') = 'C'
       AND current_setting('quote_all_identifiers') = 'off' THEN
        RETURN NULL;
    END IF;
    v_saved := ARRAY['DateStyle', current_setting('DateStyle'), 'TimeZone', current_setting('TimeZone'),
        'IntervalStyle', current_setting('IntervalStyle'), 'extra_float_digits', current_setting('extra_float_digits'),
        'bytea_output', current_setting('bytea_output'), 'lc_monetary', current_setting('lc_monetary'),
        'quote_all_identifiers', current_setting('quote_all_identifiers')];
    PERFORM set_config('DateStyle', 'ISO, YMD', true), set_config('TimeZone', 'UTC', true), set_config('IntervalStyle', 'postgres', true),
            set_config('extra_float_digits', '1', true), set_config('bytea_output', 'hex', true), set_config('lc_monetary', 'C', true),
            set_config('quote_all_identifiers', 'off', true);
    RETURN v_saved;
END $$;

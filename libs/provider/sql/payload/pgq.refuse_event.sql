-- pgq.refuse_event(message)
-- Purpose:    an error, for use inside an expression.
-- Parameters: i_message - what is wrong.
-- Returns:    never.
-- Tables:     none.
CREATE OR REPLACE FUNCTION pgq.refuse_event(i_message text) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION '%', i_message;
END $$;

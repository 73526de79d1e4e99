-- pgq.seq_setval(name, value)
-- Purpose:    moves a sequence forward, never back.
-- Parameters: i_seq_name - unquoted schema.sequence; i_new_value - the least value it shall have.
-- Returns:    the value it has now.
-- Tables:     the sequence.
CREATE OR REPLACE FUNCTION pgq.seq_setval(i_seq_name text, i_new_value bigint) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_name  text := pgq.quote_fqname(i_seq_name);
    v_value bigint;
    v_called boolean;
BEGIN
    EXECUTE 'SELECT last_value, is_called FROM ' || v_name INTO v_value, v_called;
    IF i_new_value > v_value OR (i_new_value = v_value AND NOT v_called) THEN
        v_value := setval(v_name::regclass, i_new_value);
    END IF;
    RETURN v_value;
END $$;

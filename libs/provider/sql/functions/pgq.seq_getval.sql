-- pgq.seq_getval(name)
-- Purpose:    a sequence's last_value, without moving it.
-- Parameters: i_seq_name - unquoted schema.sequence.
-- Returns:    last_value (of a fresh sequence: its start value).
-- Tables:     the sequence.
CREATE OR REPLACE FUNCTION pgq.seq_getval(i_seq_name text) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_value bigint;
BEGIN
    EXECUTE 'SELECT last_value FROM ' || pgq.quote_fqname(i_seq_name) INTO v_value;
    RETURN v_value;
END $$;

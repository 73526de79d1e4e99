-- millrace.remove_sequence(queue, schema, name)
-- Purpose:    takes a sequence out of the set. Subscribers keep the value they have.
-- Returns:    true removed, false was not there.
-- Tables:     millrace.set_sequence (delete).
CREATE OR REPLACE FUNCTION millrace.remove_sequence(i_queue text, i_schema text, i_name text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM millrace.set_sequence s WHERE s.queue = i_queue AND s.schema_name = i_schema AND s.sequence_name = i_name;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM millrace.note(i_queue, 'remove sequence', jsonb_build_object('schema', i_schema, 'name', i_name));
    RETURN true;
END $$;

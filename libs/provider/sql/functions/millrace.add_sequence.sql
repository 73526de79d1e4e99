-- millrace.add_sequence(queue, sequence)
-- Purpose:    puts a sequence into the set; its value is in the next tick's batch, and whenever it moves.
-- Returns:    true added, false was there.
-- Errors:     no such set (MR001); not a permanent sequence (42809); the set's owner may not read it (42501).
-- Tables:     millrace.set_sequence (insert).
CREATE OR REPLACE FUNCTION millrace.add_sequence(i_queue text, i_sequence regclass) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_seq record;
BEGIN
    IF NOT EXISTS (SELECT FROM millrace.set s WHERE s.queue = i_queue) THEN
        RAISE EXCEPTION 'no such set: %', coalesce(i_queue, 'NULL') USING ERRCODE = 'MR001';
    END IF;
    SELECT n.nspname, c.relname, c.relkind, c.relpersistence INTO v_seq
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = i_sequence;
    IF v_seq.relkind IS DISTINCT FROM 'S' OR v_seq.relpersistence = 't' OR v_seq.nspname IN ('pgq', 'pgq_coop', 'pgq_ext', 'millrace') THEN
        RAISE EXCEPTION '% is not a sequence that can be replicated', i_sequence USING ERRCODE = 'wrong_object_type';
    END IF;
    IF NOT has_sequence_privilege(i_sequence, 'SELECT') THEN
        RAISE EXCEPTION 'permission denied for sequence %', i_sequence USING ERRCODE = 'insufficient_privilege',
            HINT = format('GRANT SELECT ON SEQUENCE %s TO %I', i_sequence, current_user);
    END IF;
    INSERT INTO millrace.set_sequence (queue, schema_name, sequence_name, relid)
    VALUES (i_queue, v_seq.nspname, v_seq.relname, i_sequence)
    ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM millrace.note(i_queue, 'add sequence', jsonb_build_object('schema', v_seq.nspname, 'name', v_seq.relname));
    RETURN true;
END $$;

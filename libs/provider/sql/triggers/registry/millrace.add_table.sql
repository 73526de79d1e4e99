-- millrace.add_table(queue, table)
-- Purpose:    puts a table into the set: capture triggers on it and on all its partitions. Changes are captured from the
--             commit of this call on; rows that are already there need a copy. Adding a table again repairs its triggers;
--             a table that took the place of a dropped one is taken under the same name and its problem is forgotten.
-- Parameters: i_queue - the set; i_table - the table.
-- Returns:    true added, false was there.
-- Errors:     no such set (MR001); cannot be replicated, with table and reason (0A000); the table is in use (55P03, after
--             100 ms of waiting: try again).
-- Tables:     millrace.set (lock), millrace.set_table (insert, update); makes functions and triggers.
CREATE OR REPLACE FUNCTION millrace.add_table(i_queue text, i_table regclass) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '100ms' SET client_min_messages = 'warning' AS $$
DECLARE
    v_id      integer;
    v_refusal text;
    v_name    record;
    v_known   oid;
    v_rel     oid;
BEGIN
    SELECT s.queue_id INTO v_id FROM millrace.set s WHERE s.queue = i_queue FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no such set: %', coalesce(i_queue, 'NULL') USING ERRCODE = 'MR001';
    END IF;
    v_refusal := millrace.capture_refusal(i_table);
    IF v_refusal IS NOT NULL THEN
        RAISE EXCEPTION '% cannot be replicated: %', coalesce(i_table::text, 'NULL'), v_refusal USING ERRCODE = 'feature_not_supported';
    END IF;
    SELECT n.nspname, c.relname INTO STRICT v_name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = i_table;
    SELECT t.relid INTO v_known FROM millrace.set_table t
    WHERE t.queue = i_queue AND t.schema_name = v_name.nspname AND t.table_name = v_name.relname;
    IF v_known <> i_table THEN
        PERFORM millrace.drop_capture(v_id, v_known, NULL);
    ELSIF v_known IS NULL AND EXISTS (SELECT FROM millrace.set_table t WHERE t.queue = i_queue AND t.relid = i_table) THEN
        RAISE EXCEPTION '% cannot be replicated: it is in the set under its former name %', i_table, (
            SELECT format('%I.%I', t.schema_name, t.table_name) FROM millrace.set_table t WHERE t.queue = i_queue AND t.relid = i_table)
            USING ERRCODE = 'feature_not_supported';
    END IF;
    INSERT INTO millrace.set_table AS t (queue, schema_name, table_name, relid)
    VALUES (i_queue, v_name.nspname, v_name.relname, i_table)
    ON CONFLICT (queue, schema_name, table_name) DO UPDATE
    SET relid = EXCLUDED.relid, problem = NULL WHERE t.relid <> EXCLUDED.relid OR t.problem IS NOT NULL;
    PERFORM millrace.point_capture(v_id);
    FOR v_rel IN SELECT millrace.capture_tree(i_table) LOOP
        PERFORM millrace.make_capture(i_queue, v_rel, i_table);
    END LOOP;
    PERFORM millrace.note_capture(i_queue, i_table);
    IF v_known = i_table THEN
        RETURN false;
    END IF;
    PERFORM millrace.note(i_queue, 'add table', jsonb_build_object('schema', v_name.nspname, 'name', v_name.relname));
    RETURN true;
END $$;

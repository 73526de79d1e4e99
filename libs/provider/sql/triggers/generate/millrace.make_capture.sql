-- millrace.make_capture(queue, rel, root)
-- Purpose:    makes the capture functions of one table, or generates them again, and the triggers that are missing or disabled. A
--             function that is as it should be, and its trigger, are left alone: no lock is taken then. Triggers fire
--             always, also under session_replication_role = replica, where the installing role may set that (the table's owner may).
-- Parameters: i_queue - the set; i_rel, i_root - as in millrace.capture_shape.
-- Returns:    what was done: 'function', 'trigger', 'enabled'; empty when nothing.
-- Errors:     lock_not_available (55P03): the table is in use; try again.
-- Tables:     pg_trigger, pg_proc, millrace.set, millrace.set_table (read); makes functions and triggers.
CREATE OR REPLACE FUNCTION millrace.make_capture(i_queue text, i_rel oid, i_root oid) RETURNS text[]
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_shape text := millrace.capture_shape(i_rel, i_root);
    v_table text;
    v_id    integer;
    v_rel   record;
    v_op    record;
    v_name  text;
    v_mark  text;
    v_state "char";
    v_done  text[] := '{}';
BEGIN
    SELECT s.queue_id, '[' || to_json(t.schema_name) || ',' || to_json(t.table_name) || ']' INTO STRICT v_id, v_table
    FROM millrace.set s JOIN millrace.set_table t USING (queue) WHERE s.queue = i_queue AND t.relid = i_root;
    SELECT c.relkind = 'p' AS divided, c.relispartition AS part, pg_has_role(c.relowner, 'USAGE') AS own INTO STRICT v_rel
    FROM pg_class c WHERE c.oid = i_rel;
    v_mark := format('Millrace capture 5 %s %s', v_table, v_shape);
    FOR v_op IN
        SELECT * FROM (VALUES
            ('I', 'insert', 'AFTER INSERT', 'REFERENCING NEW TABLE AS mr_new', true),
            ('U', 'update', 'AFTER UPDATE', 'REFERENCING OLD TABLE AS mr_old NEW TABLE AS mr_new', true),
            ('D', 'delete', 'AFTER DELETE', 'REFERENCING OLD TABLE AS mr_old', true),
            ('T', 'truncate', 'AFTER TRUNCATE', '', i_rel = i_root),
            ('B', 'truncate', 'BEFORE TRUNCATE', '', CASE WHEN i_rel = i_root THEN v_rel.divided ELSE NOT v_rel.divided END)
        ) AS o(op, template, event, transition, wanted) WHERE o.wanted
    LOOP
        v_name := lower(format('capture_%s_%s_%s_%s', v_id, i_root, i_rel, v_op.op));
        IF NOT EXISTS (
            SELECT FROM pg_proc p WHERE p.pronamespace = 'millrace'::regnamespace AND p.proname = v_name
              AND obj_description(p.oid, 'pg_proc') = v_mark) THEN
            EXECUTE millrace.fill(millrace.template(v_op.template), jsonb_build_object('function', v_name, 'mark', v_mark)
                || millrace.capture_values(v_id, i_rel, i_root, v_op.op, v_table, v_shape));
            v_done := array_append(v_done, 'function');
        END IF;
        SELECT t.tgenabled INTO v_state FROM pg_trigger t WHERE t.tgrelid = i_rel AND t.tgname = v_name;
        IF v_state IS NULL THEN
            EXECUTE format('CREATE TRIGGER %I %s ON %s %s FOR EACH STATEMENT EXECUTE FUNCTION millrace.%I()',
                v_name, v_op.event, i_rel::regclass, v_op.transition, v_name);
            v_done := array_append(v_done, 'trigger');
        ELSIF v_state NOT IN ('O', 'A') THEN
            v_done := array_append(v_done, 'enabled');
        END IF;
        IF v_rel.own AND v_state IS DISTINCT FROM 'A' THEN
            EXECUTE format('ALTER TABLE ONLY %s ENABLE ALWAYS TRIGGER %I', i_rel::regclass, v_name);
        END IF;
    END LOOP;
    RETURN ARRAY(SELECT DISTINCT d FROM unnest(v_done) AS d);
END $$;

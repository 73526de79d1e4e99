-- millrace.make_capture(queue, rel, root)
-- Purpose:    makes or renews the capture functions of one table, and the triggers that are missing or switched off. A
--             function that is as it should be, and its triggers, are left alone: no lock is taken then.
-- Parameters: i_queue - the set; i_rel, i_root - as in millrace.capture_shape.
-- Returns:    what was done: 'function', 'trigger' or both, empty when nothing.
-- Errors:     lock_not_available (55P03): the table is in use; try again.
-- Tables:     pg_trigger, pg_proc, millrace.set, millrace.set_table (read); makes functions and triggers.
CREATE OR REPLACE FUNCTION millrace.make_capture(i_queue text, i_rel oid, i_root oid) RETURNS text[]
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_shape  text := millrace.capture_shape(i_rel, i_root);
    v_owner  boolean := (SELECT pg_has_role(c.relowner, 'USAGE') FROM pg_class c WHERE c.oid = i_rel);
    v_table  text;
    v_id     integer;
    v_name   text;
    v_mark   text;
    v_op     record;
    v_done   text[] := '{}';
BEGIN
    SELECT s.queue_id, json_build_array(t.schema_name, t.table_name)::text INTO STRICT v_id, v_table
    FROM millrace.set s JOIN millrace.set_table t USING (queue) WHERE s.queue = i_queue AND t.relid = i_root;
    v_table := replace(v_table, '", "', '","');
    FOR v_op IN
        SELECT * FROM (VALUES
            ('i', 'AFTER INSERT', 'REFERENCING NEW TABLE AS mr_new', true),
            ('u', 'AFTER UPDATE', 'REFERENCING OLD TABLE AS mr_old NEW TABLE AS mr_new', true),
            ('d', 'AFTER DELETE', 'REFERENCING OLD TABLE AS mr_old', true),
            ('t', 'AFTER TRUNCATE', '', i_rel = i_root),
            ('b', 'BEFORE TRUNCATE', '', (SELECT c.relkind = 'p' OR c.relispartition FROM pg_class c WHERE c.oid = i_rel)
                AND (i_rel = i_root OR (SELECT c.relkind <> 'p' FROM pg_class c WHERE c.oid = i_rel)))
        ) AS o(op, event, tables, wanted) WHERE o.wanted
    LOOP
        v_name := format('capture_%s_%s_%s_%s', v_id, i_root, i_rel, v_op.op);
        v_mark := format('Millrace capture 1 %s %s', v_table, v_shape);
        IF NOT EXISTS (
            SELECT FROM pg_proc p WHERE p.pronamespace = 'millrace'::regnamespace AND p.proname = v_name
              AND obj_description(p.oid, 'pg_proc') = v_mark) THEN
            EXECUTE format('CREATE OR REPLACE FUNCTION millrace.%I() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp %s AS %L',
                v_name,
                (SELECT string_agg(format('SET %I = %L', s.name, s.value), ' ')
                 FROM millrace.pinned_settings(CASE WHEN v_op.op IN ('t', 'b') THEN '' ELSE substring(v_shape FROM 'pins=(.*)') END) s
                 WHERE s.name <> 'DateStyle')
                || '',
                '');
            v_done := array_append(v_done, 'function');
        END IF;
    END LOOP;
    RETURN v_done;
END $$;

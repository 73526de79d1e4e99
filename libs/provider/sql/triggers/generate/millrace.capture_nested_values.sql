-- millrace.capture_nested_values(rel, root, touched, named)
-- Purpose:    the values for the part of a capture function that serves a nested statement of few rows, while the table is
--             exactly as it was when the code was made: the present rows of the keys it touched, with plans that are kept.
-- Parameters: i_rel, i_root - as in millrace.capture_shape; i_touched - a query giving the keys; i_named - whether it could
--             be made.
-- Returns:    nested_plans - false where there is no such part: a partition (renaming its root does not make the server
--             plan its code again), a key that has no places; else with it known_name, known_columns, known_key, and the
--             queries absent_keys, present_rows.
-- Tables:     as millrace.capture_current_steps.
CREATE OR REPLACE FUNCTION millrace.capture_nested_values(i_rel oid, i_root oid, i_touched text, i_named boolean) RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_queries text[];
BEGIN
    IF i_rel <> i_root OR NOT i_named THEN
        RETURN '{"nested_plans": false}';
    END IF;
    SELECT array_agg(s.query ORDER BY s.n) INTO v_queries
    FROM millrace.capture_current_steps(i_root, i_touched, true) WITH ORDINALITY AS s(columns, query, n);
    RETURN jsonb_build_object(
        'nested_plans', true, 'known_name', millrace.capture_name(i_root), 'known_columns', millrace.capture_columns(i_root),
        'known_key', millrace.capture_key(i_root), 'absent_keys', v_queries[1], 'present_rows', v_queries[2]);
END $$;

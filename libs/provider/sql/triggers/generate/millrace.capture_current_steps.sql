-- millrace.capture_current_steps(root, touched, few)
-- Purpose:    queries for the present state of the rows with given keys.
-- Parameters: i_root - the registered table; i_touched - a query giving its key columns in order, whatever their names;
--             i_few - in a form that can only be run as one index look-up per key: for a plan that is kept while the
--             table grows. Else the planner is free.
-- Returns:    two steps: absent keys (lines A), rows (lines R), each with its columns as JSON. Generated columns are not
--             read: their expressions are the application's and might fail.
-- Tables:     as millrace.table_key.
-- Errors:     row security would hide rows from the function's owner (42501).
CREATE OR REPLACE FUNCTION millrace.capture_current_steps(i_root oid, i_touched text, i_few boolean, OUT columns text, OUT query text) RETURNS SETOF record
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_key  record;
    v_same text;
    v_keys text;
    v_row  text;
BEGIN
    IF row_security_active(i_root) THEN
        RAISE EXCEPTION 'Millrace cannot capture this change of %: row security hides rows from role %', i_root::regclass, current_user
            USING ERRCODE = 'insufficient_privilege', HINT = format('ALTER ROLE %I BYPASSRLS, or NO FORCE ROW LEVEL SECURITY on the table.', current_user);
    END IF;
    SELECT * INTO STRICT v_key FROM millrace.table_key(i_root);
    -- An index rebuilt after this transaction's snapshot, by ALTER TYPE of a key column, has no visible operators.
    SELECT string_agg(format('t.%I %s x."mr~%s"', k.name, coalesce(k.operator, 'OPERATOR(pg_catalog.=)'), k.n), ' AND ' ORDER BY k.n),
           string_agg(format('x."mr~%s"', k.n), ', ' ORDER BY k.n)
    INTO v_same, v_keys
    FROM unnest(v_key.names, millrace.key_operators(v_key.index)) WITH ORDINALITY AS k(name, operator, n);
    columns := millrace.capture_key(i_root);
    query := format('SELECT ROW(''A'', %s, NULL)::text FROM (%s) AS x(%s) WHERE NOT EXISTS (SELECT FROM %s AS t WHERE %s%s)',
        v_keys, i_touched, replace(v_keys, 'x.', ''), i_root::regclass, v_same, CASE WHEN i_few THEN ' OFFSET 0' ELSE '' END);
    RETURN NEXT;
    columns := millrace.capture_columns(i_root);
    SELECT string_agg(coalesce('t.' || quote_ident(c.name), 'NULL'), ', ' ORDER BY c.n) INTO v_row
    FROM json_array_elements_text(millrace.capture_list(columns)) WITH ORDINALITY AS c(name, n);
    query := format(CASE WHEN i_few
            THEN 'SELECT r.line FROM (%2$s) AS x(%3$s) CROSS JOIN LATERAL (SELECT ROW(''R'', %1$s, NULL)::text AS line FROM %4$s AS t WHERE %5$s OFFSET 0) AS r'
            ELSE 'SELECT ROW(''R'', %1$s, NULL)::text FROM (%2$s) AS x(%3$s) JOIN %4$s AS t ON %5$s' END,
        v_row, i_touched, replace(v_keys, 'x.', ''), i_root::regclass, v_same);
    RETURN NEXT;
END $$;

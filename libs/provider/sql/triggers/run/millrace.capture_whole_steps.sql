-- millrace.capture_whole_steps(rel, root, gone)
-- Purpose:    how to log every row of a table at a TRUNCATE: as deleted (a partition about to be emptied), or as it is now.
-- Parameters: i_rel, i_root - as in millrace.capture_shape; i_gone - log keys of rel as D; else rows of root as R.
-- Returns:    as millrace.capture_steps; none for a detached partition or a table without a usable key.
-- Tables:     as millrace.table_key. Errors: as millrace.capture_current_steps.
CREATE OR REPLACE FUNCTION millrace.capture_whole_steps(i_rel oid, i_root oid, i_gone boolean,
    OUT type text, OUT columns text, OUT key text, OUT query text, OUT saved text[]) RETURNS SETOF record
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_keys text;
BEGIN
    SELECT string_agg(format('n.%I', c.name), ', ' ORDER BY c.n) INTO v_keys
    FROM millrace.table_key(i_root) k, unnest(k.names) WITH ORDINALITY AS c(name, n);
    IF v_keys IS NULL OR millrace.capture_shape(i_rel, i_root) = 'detached' THEN
        RETURN;
    END IF;
    saved := millrace.pin_settings();
    key := millrace.capture_key(i_root);
    IF i_gone THEN
        IF row_security_active(i_rel) THEN
            RAISE EXCEPTION 'Millrace cannot capture this change of %: row security hides rows from role %', i_rel::regclass, current_user
                USING ERRCODE = 'insufficient_privilege', HINT = format('ALTER ROLE %I BYPASSRLS, or NO FORCE ROW LEVEL SECURITY on the table.', current_user);
        END IF;
        type := 'D';
        columns := key;
        query := format('SELECT ROW(''D'', %s, NULL)::text FROM ONLY %s AS n', v_keys, i_rel::regclass);
        RETURN NEXT;
        RETURN;
    END IF;
    type := 'X';
    SELECT s.columns, s.query INTO columns, query
    FROM millrace.capture_current_steps(i_root, format('SELECT %s FROM %s AS n', v_keys, i_root::regclass), false) AS s
    OFFSET 1;
    RETURN NEXT;
END $$;

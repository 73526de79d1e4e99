-- millrace.table_key(rel)
-- Purpose:    the columns by which a row of a table is found: of the primary key, else of the best unique index that is
--             checked immediately, covers every row and has no column that may be NULL. Names come from the system caches (the
--             reason is in millrace.capture_names). Runs in every session's first write to a table: kept short.
-- Parameters: i_rel - the table.
-- Returns:    the index and the names in its order; NULLs when there is no such key.
-- Tables:     pg_index, pg_attribute (read).
CREATE OR REPLACE FUNCTION millrace.table_key(i_rel oid, OUT index oid, OUT names text[])
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_name  text;
    v_width integer;
BEGIN
    SELECT i.indexrelid, i.indnkeyatts INTO index, v_width
    FROM pg_index i
    WHERE i.indrelid = i_rel AND i.indisprimary AND i.indisvalid AND i.indimmediate;
    IF index IS NULL OR pg_get_indexdef(index) IS NULL THEN
        SELECT i.indexrelid, i.indnkeyatts INTO index, v_width
        FROM pg_index i
        WHERE i.indrelid = i_rel AND i.indisunique AND i.indisvalid AND i.indimmediate
          AND i.indpred IS NULL AND i.indexprs IS NULL AND pg_get_indexdef(i.indexrelid) IS NOT NULL
          AND NOT EXISTS (
              SELECT FROM pg_attribute a
              WHERE a.attrelid = i_rel AND a.attnum = ANY (i.indkey[0:i.indnkeyatts - 1]) AND NOT a.attnotnull)
        ORDER BY i.indisreplident DESC, i.indnkeyatts, i.indexrelid
        LIMIT 1;
    END IF;
    -- A key made after this transaction's snapshot: pg_index does not show it yet, the caches do.
    index := coalesce(index, pg_get_replica_identity_index(i_rel)::oid);
    IF index IS NULL THEN
        RETURN;
    END IF;
    -- 32: more columns cannot be in an index; the text is empty beyond the last, INCLUDE columns are left out.
    FOR n IN 1 .. coalesce(v_width, 32) LOOP
        v_name := pg_get_indexdef(index, n, true);
        EXIT WHEN v_name IS NULL OR v_name = '';
        names := array_append(names, (parse_ident(v_name))[1]);
    END LOOP;
END $$;

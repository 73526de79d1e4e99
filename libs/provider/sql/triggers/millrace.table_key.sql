-- millrace.table_key(rel)
-- Purpose:    the columns by which a row of a table is found: of the primary key, else of the best unique index that is
--             checked at once, covers every row and has no column that may be NULL. Names come from the system caches (the
--             reason is in millrace.capture_names).
-- Parameters: i_rel - the table.
-- Returns:    one row: index; names in index order; operators, each the column type's own equality, as OPERATOR(…).
--             No row when there is no such key.
-- Tables:     pg_index, pg_attribute, pg_amop (read).
CREATE OR REPLACE FUNCTION millrace.table_key(i_rel oid, OUT index oid, OUT names text[], OUT operators text[]) RETURNS SETOF record
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    SELECT i.indexrelid INTO index
    FROM pg_index i
    WHERE i.indrelid = i_rel AND i.indisunique AND i.indisvalid AND i.indimmediate
      AND i.indpred IS NULL AND i.indexprs IS NULL
      AND pg_get_indexdef(i.indexrelid) IS NOT NULL
      AND NOT EXISTS (
          SELECT FROM pg_attribute a
          WHERE a.attrelid = i_rel AND a.attnum = ANY (i.indkey[0:i.indnkeyatts - 1]) AND NOT a.attnotnull)
    ORDER BY i.indisprimary DESC, i.indisreplident DESC, i.indnkeyatts, i.indexrelid
    LIMIT 1;
    -- A key made after this transaction's snapshot: pg_index does not show it yet, the caches do.
    index := coalesce(index, pg_get_replica_identity_index(i_rel)::oid);
    IF index IS NULL THEN
        RETURN;
    END IF;
    SELECT array_agg((parse_ident(pg_get_indexdef(index, k.n, true)))[1] ORDER BY k.n)
    INTO names
    FROM generate_series(1, coalesce((SELECT i.indnkeyatts FROM pg_index i WHERE i.indexrelid = index), 32)) AS k(n)
    WHERE pg_get_indexdef(index, k.n, true) <> '';
    operators := coalesce((
        SELECT array_agg(format('OPERATOR(%I.%s)', s.nspname, p.oprname) ORDER BY c.n)
        FROM pg_index i, unnest(i.indclass::oid[]) WITH ORDINALITY AS c(opclass, n)
        JOIN pg_opclass o ON o.oid = c.opclass
        JOIN pg_amop m ON m.amopfamily = o.opcfamily AND m.amoplefttype = o.opcintype AND m.amoprighttype = o.opcintype
            AND m.amopstrategy = 3
        JOIN pg_operator p ON p.oid = m.amopopr JOIN pg_namespace s ON s.oid = p.oprnamespace
        WHERE i.indexrelid = index), ARRAY(SELECT 'OPERATOR(pg_catalog.=)' FROM unnest(names)));
    RETURN NEXT;
END $$;

-- millrace.key_operators(index)
-- Purpose:    the equality by which a unique index tells keys apart, for each of its key columns: found in the catalogs,
--             not in anybody's search path.
-- Parameters: i_index - from millrace.table_key.
-- Returns:    one text per column, as OPERATOR(schema.=).
-- Tables:     pg_index, pg_opclass, pg_amop, pg_operator (read).
CREATE OR REPLACE FUNCTION millrace.key_operators(i_index oid) RETURNS text[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN ARRAY(
        SELECT format('OPERATOR(%I.%s)', s.nspname, p.oprname)
        FROM pg_index i, unnest(i.indclass::oid[]) WITH ORDINALITY AS c(opclass, n)
        JOIN pg_opclass o ON o.oid = c.opclass
        JOIN pg_amop m ON m.amopfamily = o.opcfamily AND m.amoplefttype = o.opcintype AND m.amoprighttype = o.opcintype
            AND m.amopstrategy = 3
        JOIN pg_operator p ON p.oid = m.amopopr JOIN pg_namespace s ON s.oid = p.oprnamespace
        WHERE i.indexrelid = i_index ORDER BY c.n);
END $$;

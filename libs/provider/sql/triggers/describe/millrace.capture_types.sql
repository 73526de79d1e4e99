-- millrace.capture_types(rel, names)
-- Purpose:    the types of columns, with their modifiers, as codes (millrace.type_code). Read from the server's caches, like
--             names and for the same reason: from the plan (EXPLAIN) of a query that reads nothing and whose output is
--             NULLs of these types. A partitioned table is looked up in pg_attribute instead: its partitions' lines must not
--             wait for a lock on it, which the caches might take.
-- Parameters: i_rel - the table; i_names - some of its columns.
-- Returns:    a code for each name, in order; empty text where the type is not found.
-- Tables:     pg_class, pg_attribute (read).
CREATE OR REPLACE FUNCTION millrace.capture_types(i_rel oid, i_names text[]) RETURNS text[]
-- Not STABLE: EXPLAIN is refused there.
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET quote_all_identifiers = off AS $$
DECLARE
    v_plan json;
BEGIN
    IF coalesce(cardinality(i_names), 0) = 0 THEN
        RETURN '{}';
    END IF;
    IF EXISTS (SELECT FROM pg_class c WHERE c.oid = i_rel AND c.relkind = 'p') THEN
        RETURN ARRAY(
            SELECT coalesce(millrace.type_code(format_type(a.atttypid, a.atttypmod)), '')
            FROM unnest(i_names) WITH ORDINALITY AS c(name, n)
            LEFT JOIN pg_attribute a ON a.attrelid = i_rel AND a.attname = c.name AND NOT a.attisdropped
            ORDER BY c.n);
    END IF;
    EXECUTE 'EXPLAIN (VERBOSE, COSTS OFF, FORMAT JSON) SELECT '
        || (SELECT string_agg(format('(NULL::%s).%I', i_rel::regclass, c.name), ', ' ORDER BY c.n) FROM unnest(i_names) WITH ORDINALITY AS c(name, n))
    INTO v_plan;
    -- NULL::type, and behind it a collation other than the type's own.
    RETURN ARRAY(
        SELECT millrace.type_code(regexp_replace(substr(o.item, 7), ' COLLATE (("([^"]|"")*"|[^". ]+)[.])?("([^"]|"")*"|[^". ]+)$', ''))
        FROM json_array_elements_text(v_plan -> 0 -> 'Plan' -> 'Output') WITH ORDINALITY AS o(item, n) ORDER BY o.n);
END $$;

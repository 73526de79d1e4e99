-- millrace.capture_pins(rel)
-- Purpose:    which session settings the text form of a table's columns depends on. Only those are pinned on its capture
--             functions: each costs time in every statement of the application.
-- Parameters: i_rel - the table.
-- Returns:    letters in order: a all (a type we do not know in detail), b bytea_output, d DateStyle and TimeZone,
--             f extra_float_digits, i IntervalStyle; empty for integers, texts, numerics, uuids, …
-- Tables:     pg_attribute, pg_type (read).
CREATE OR REPLACE FUNCTION millrace.capture_pins(i_rel oid) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    WITH RECURSIVE element(id) AS (
        SELECT a.atttypid FROM pg_attribute a WHERE a.attrelid = i_rel AND a.attnum > 0 AND NOT a.attisdropped
        UNION
        SELECT CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.typelem END
        FROM element e JOIN pg_type t ON t.oid = e.id
        WHERE t.typtype = 'd' OR (t.typcategory = 'A' AND t.typelem <> 0)
    ), pin AS (
        SELECT DISTINCT CASE
            WHEN t.oid IN ('timestamp'::regtype, 'timestamptz'::regtype, 'date'::regtype, 'timetz'::regtype, 'time'::regtype) THEN 'd'
            WHEN t.oid IN ('float4'::regtype, 'float8'::regtype) THEN 'f'
            WHEN t.oid = 'interval'::regtype THEN 'i'
            WHEN t.oid = 'bytea'::regtype THEN 'b'
            WHEN t.typtype = 'e' OR t.oid IN (
                'bool'::regtype, 'int2'::regtype, 'int4'::regtype, 'int8'::regtype, 'numeric'::regtype, 'text'::regtype,
                'varchar'::regtype, 'bpchar'::regtype, '"char"'::regtype, 'name'::regtype, 'uuid'::regtype, 'json'::regtype,
                'jsonb'::regtype, 'inet'::regtype, 'cidr'::regtype, 'macaddr'::regtype, 'macaddr8'::regtype, 'oid'::regtype,
                'bit'::regtype, 'varbit'::regtype, 'tsvector'::regtype, 'pg_lsn'::regtype) THEN ''
            ELSE 'a' END AS letter
        FROM element e JOIN pg_type t ON t.oid = e.id
        WHERE NOT (t.typtype = 'd' OR (t.typcategory = 'A' AND t.typelem <> 0))
    )
    SELECT coalesce(string_agg(p.letter, '' ORDER BY p.letter), '') FROM pin p
$$;

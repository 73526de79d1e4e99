-- millrace.capture_numbers(rel, names)
-- Purpose:    the numbers of columns, which a renaming leaves alone, and their types: behind their names in an event (ev_extra2,
--             ev_extra3) they show that row changes written before and after an ALTER TABLE mean the same column,
--             and of what type its values are. Looked up in the
--             system caches (the reason is in millrace.capture_names), without a lock on any table: a partition's row changes
--             have the numbers of the root's columns, and must not wait for the root.
-- Parameters: i_rel - the table; i_names - its columns' names, in any order.
-- Returns:    ' <oid of the root, or of the table>:<number and type code of each name, in order>', as ' 16421:1i,2v20'; 0 for a name
--             that is not found.
-- Tables:     as millrace.capture_types.
CREATE OR REPLACE FUNCTION millrace.capture_numbers(i_rel oid, i_names text[]) RETURNS text
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_root    oid := coalesce(pg_partition_root(i_rel), i_rel);
    v_left    integer := coalesce(cardinality(i_names), 0);
    v_numbers integer[] := array_fill(0, ARRAY[v_left]);
    v_place   integer;
BEGIN
    -- 1600: no table has more columns, dropped ones included.
    FOR n IN 1 .. 1600 LOOP
        EXIT WHEN v_left = 0;
        v_place := array_position(i_names, (parse_ident((pg_identify_object('pg_class'::regclass, v_root, n)).identity))[3]);
        IF v_place IS NOT NULL THEN
            v_numbers[v_place] := n;
            v_left := v_left - 1;
        END IF;
    END LOOP;
    RETURN format(' %s:%s', v_root, (
        SELECT string_agg(c.number || c.type, ',' ORDER BY c.n)
        FROM unnest(v_numbers, millrace.capture_types(i_rel, i_names)) WITH ORDINALITY AS c(number, type, n)));
END $$;

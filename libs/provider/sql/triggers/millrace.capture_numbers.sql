-- millrace.capture_numbers(rel, names)
-- Purpose:    the numbers of columns, which a renaming leaves alone: behind their names in an event (ev_extra2, ev_extra3)
--             they let capture see that lines written before and after it speak of the same column. Looked up in the
--             system caches (the reason is in millrace.capture_names), without a lock on any table: a partition's lines
--             have the numbers of the root's columns, and must not wait for the root.
-- Parameters: i_rel - the table; i_names - its columns' names, in any order.
-- Returns:    ' <oid of the root, or of the table>:<numbers in the order of the names>'; 0 for a name that is not found.
-- Tables:     none.
CREATE OR REPLACE FUNCTION millrace.capture_numbers(i_rel oid, i_names text[]) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
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
    RETURN format(' %s:%s', v_root, array_to_string(v_numbers, ','));
END $$;

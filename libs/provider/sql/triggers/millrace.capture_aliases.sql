-- millrace.capture_aliases(rel, shape)
-- Purpose:    how generated code names key columns: by their place in the row, through an alias list that is padded so
--             that it is never longer than the row. So no renaming of a column can break a statement of the application.
-- Parameters: i_rel - the table; i_shape - its millrace.capture_shape.
-- Returns:    one row, for both transition tables: news, olds - sources with the alias list, called n and o; and the key columns
--             as places; NULL when the table has no usable key or too many columns.
-- Tables:     none.
CREATE OR REPLACE FUNCTION millrace.capture_aliases(i_rel oid, i_shape text, OUT news text, OUT olds text, OUT places integer[])
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_places integer[] := string_to_array(substring(i_shape FROM '^key=([0-9,]+);'), ',')::integer[];
    v_last   integer := (SELECT max(p) FROM unnest(v_places) p);
    v_list   text := (SELECT string_agg(format('"mr~%s"', n), ', ') FROM generate_series(1, v_last) AS n);
BEGIN
    IF v_places IS NULL OR cardinality(millrace.capture_names(i_rel)) + v_last > 1600 THEN
        RETURN;
    END IF;
    places := v_places;
    news := format('(SELECT n.*%s FROM mr_new AS n) AS n(%s)', repeat(', NULL', v_last), v_list);
    olds := format('(SELECT o.*%s FROM mr_old AS o) AS o(%s)', repeat(', NULL', v_last), v_list);
END $$;

-- millrace.key_aliases(rel, shape)
-- Purpose:    how generated code names key columns: by their place in the row, through an alias list that is padded so
--             that it is never longer than the row. So no renaming of a column can break a statement of the application.
-- Parameters: i_rel - the table; i_shape - its millrace.capture_shape.
-- Returns:    padding, places - what follows the columns of a row, and the alias list; news, olds - both transition tables
--             with them, called n and o; new_key, old_key - key columns of each; same_key - whether the only old row has the
--             key of the new one; width - number of key columns. All NULL when the table has no usable key or too many columns.
-- Tables:     none.
CREATE OR REPLACE FUNCTION millrace.key_aliases(i_rel oid, i_shape text, OUT padding text, OUT places text, OUT news text, OUT olds text,
    OUT new_key text, OUT old_key text, OUT same_key text, OUT width integer)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_key  integer[] := string_to_array(substring(i_shape FROM '^key=([0-9,]+);'), ',')::integer[];
    v_last integer := (SELECT max(p) FROM unnest(v_key) p);
    v_old  text;
    v_new  text;
BEGIN
    IF v_key IS NULL OR cardinality(millrace.capture_names(i_rel)) + v_last > 1600 THEN
        RETURN;
    END IF;
    width := cardinality(v_key);
    padding := repeat(', NULL', v_last);
    places := (SELECT string_agg(format('"mr~%s"', n), ', ') FROM generate_series(1, v_last) AS n);
    news := format('(SELECT n.*%s FROM mr_new AS n) AS n(%s)', padding, places);
    olds := format('(SELECT o.*%s FROM mr_old AS o) AS o(%s)', padding, places);
    SELECT string_agg(format('n."mr~%s"', k.place), ', ' ORDER BY k.n), string_agg(format('o."mr~%s"', k.place), ', ' ORDER BY k.n),
           string_agg(format('concat(n."mr~%s")', k.place), ', ' ORDER BY k.n), string_agg(format('concat(o."mr~%s")', k.place), ', ' ORDER BY k.n)
    INTO new_key, old_key, v_new, v_old FROM unnest(v_key) WITH ORDINALITY AS k(place, n);
    -- One old row, and with the same key: two old rows make an array that nothing equals.
    same_key := format(CASE width WHEN 1 THEN 'ARRAY(SELECT %s FROM %s LIMIT 2) = ARRAY[%s]'
        ELSE 'ARRAY(SELECT ARRAY[%s] FROM %s LIMIT 2) = ARRAY[ARRAY[%s]]' END, v_old, olds, v_new);
END $$;

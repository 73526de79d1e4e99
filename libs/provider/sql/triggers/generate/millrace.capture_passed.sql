-- millrace.capture_passed(count, old_key, olds, new_key, news)
-- Purpose:    the query for D lines of keys that a row took and left again within one UPDATE: when foreign-key cascades
--             change a row that the statement itself changed, the server adds them to the same transition tables. Such a
--             key is in both, and left later than taken.
-- Parameters: i_count - number of key columns; others as millrace.capture_gone.
-- Returns:    SQL.
-- Tables:     none.
CREATE OR REPLACE FUNCTION millrace.capture_passed(i_count integer, i_old_key text, i_olds text, i_new_key text, i_news text) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_list text := (SELECT string_agg(format('"mr~k%s"', n), ', ') FROM generate_series(1, i_count) AS n);
BEGIN
    RETURN format(
        'SELECT ROW(''D'', %1$s, NULL)::text
         FROM (SELECT %2$s, row_number() OVER (), NULL::int8 FROM %3$s UNION ALL SELECT %4$s, NULL, row_number() OVER () FROM %5$s)
             AS "mr~all"(%1$s, "mr~left", "mr~taken")
         GROUP BY %1$s HAVING max("mr~left") > max("mr~taken")', v_list, i_old_key, i_olds, i_new_key, i_news);
END $$;

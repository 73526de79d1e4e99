-- millrace.capture_gone(old_key, olds, new_key, news)
-- Purpose:    the query for D lines of keys that an UPDATE left without a row.
-- Parameters: i_old_key, i_new_key - lists of key columns; i_olds, i_news - the sources they belong to.
-- Returns:    SQL.
-- Tables:     none.
CREATE OR REPLACE FUNCTION millrace.capture_gone(i_old_key text, i_olds text, i_new_key text, i_news text) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT format('SELECT ROW(''D'', "mr~key".*, NULL)::text FROM (SELECT %s FROM %s EXCEPT SELECT %s FROM %s) AS "mr~key"',
        i_old_key, i_olds, i_new_key, i_news)
$$;

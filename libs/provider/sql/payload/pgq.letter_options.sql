-- pgq.letter_options(relation, queue, letters)
-- Purpose:    logtriga's arguments as those of sqltriga.
-- Parameters: as in pgq.logtriga.
-- Returns:    arguments.
-- Errors:     need at least one key column; key column does not exist.
-- Tables:     pg_attribute (read).
CREATE OR REPLACE FUNCTION pgq.letter_options(i_relation oid, i_queue text, i_letters text) RETURNS text[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_keys   text;
    v_ignore text;
BEGIN
    SELECT string_agg(c.name, ',' ORDER BY c.n) FILTER (WHERE substr(i_letters, c.n, 1) = 'k'),
           string_agg(c.name, ',' ORDER BY c.n) FILTER (WHERE substr(i_letters, c.n, 1) IN ('i', ''))
    INTO v_keys, v_ignore
    FROM (SELECT a.attname AS name, row_number() OVER (ORDER BY a.attnum)::integer AS n FROM pg_attribute a
          WHERE a.attrelid = i_relation AND a.attnum > 0 AND NOT a.attisdropped) AS c;
    IF position('k' IN i_letters) = 0 THEN
        RAISE EXCEPTION 'need at least one key column';
    ELSIF v_keys IS NULL OR length(regexp_replace(i_letters, '[^k]', '', 'g')) <> cardinality(string_to_array(v_keys, ',')) THEN
        RAISE EXCEPTION 'key column does not exist';
    END IF;
    RETURN array_remove(ARRAY[i_queue, 'pkey=' || v_keys, 'ignore=' || v_ignore], NULL);
END $$;

-- pgq.trigger_columns(relation, ignore, pkey)
-- Purpose:    a table's columns as a payload trigger sees them, in their order. Columns that are computed when read
--             have no value in a trigger and are left out.
-- Parameters: i_ignore - names; i_pkey - names of the key, NULL: the primary key.
-- Returns:    name, type; key - place in the key, from 1, or NULL; ignored; magic - the field that a column named _pgq_<field>
--             gives instead of being data, or NULL.
-- Errors:     Unknown magic column.
-- Tables:     pg_attribute, pg_index (read).
CREATE OR REPLACE FUNCTION pgq.trigger_columns(
    IN i_relation oid, IN i_ignore text[], IN i_pkey text[],
    OUT name text, OUT type oid, OUT key integer, OUT ignored boolean, OUT magic text) RETURNS SETOF record
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_unknown text;
    v_key text[] := coalesce(i_pkey, ARRAY(
        SELECT a.attname FROM pg_index i, unnest(i.indkey) WITH ORDINALITY AS k(attnum, n)
        JOIN pg_attribute a ON a.attnum = k.attnum
        WHERE i.indrelid = i_relation AND i.indisprimary AND a.attrelid = i_relation AND k.n <= i.indnkeyatts ORDER BY k.n));
BEGIN
    RETURN QUERY
        SELECT a.attname::text, a.atttypid, array_position(v_key, a.attname::text), a.attname = ANY (i_ignore),
               CASE WHEN starts_with(a.attname, '_pgq_ev_') THEN substr(a.attname, 6) END
        FROM pg_attribute a
        WHERE a.attrelid = i_relation AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated <> 'v'
        ORDER BY a.attnum;
    SELECT a.attname INTO v_unknown FROM pg_attribute a
    WHERE a.attrelid = i_relation AND a.attnum > 0 AND NOT a.attisdropped AND starts_with(a.attname, '_pgq_ev_')
      AND substr(a.attname, 6) NOT IN ('ev_type', 'ev_data', 'ev_extra1', 'ev_extra2', 'ev_extra3', 'ev_extra4');
    IF FOUND THEN
        RAISE EXCEPTION 'Unknown magic column: %', v_unknown;
    END IF;
END $$;

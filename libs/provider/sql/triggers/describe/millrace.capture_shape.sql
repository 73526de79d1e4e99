-- millrace.capture_shape(rel, root)
-- Purpose:    everything that the generated code of one table depends on, as one text; where it differs from the
--             text the code was generated with, the code takes its slow path, which never fails, until refresh_triggers
--             generates it again. IMMUTABLE for the reason and with the warning in millrace.capture_columns.
-- Parameters: i_rel - the table; i_root - the registered table: itself, or its root when it is a partition.
-- Returns:    'key=<places of the key columns in the row>;[virtual;]pins=<capture_pins>' (virtual: it has virtual generated
--             columns), or 'detached' for what is no longer a
--             partition of its root.
-- Tables:     as millrace.table_key, millrace.capture_pins.
CREATE OR REPLACE FUNCTION millrace.capture_shape(i_rel oid, i_root oid) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_names  text[] := millrace.capture_names(i_rel);
    v_key    text[] := (millrace.table_key(i_root)).names;
    v_places text;
BEGIN
    IF i_rel <> i_root AND NOT EXISTS (SELECT FROM pg_partition_ancestors(i_rel) AS a(id) WHERE a.id = i_root) THEN
        RETURN 'detached';
    END IF;
    FOR n IN 1 .. coalesce(cardinality(v_key), 0) LOOP
        v_places := concat_ws(',', v_places, coalesce(array_position(v_names, v_key[n])::text, '?'));
    END LOOP;
    RETURN format('key=%s;%spins=%s', v_places,
        CASE WHEN EXISTS (
            SELECT FROM unnest(v_names) AS c(name)
            LEFT JOIN pg_attribute a ON a.attrelid = i_rel AND a.attname = c.name AND NOT a.attisdropped
            WHERE coalesce(a.attgenerated, 'v') = 'v') THEN 'virtual;' ELSE '' END,
        millrace.capture_pins(i_rel));
END $$;

-- millrace.capture_pins(rel)
-- Purpose:    which session settings the text form of a table's columns depends on. Only those are pinned on its capture
--             functions: each costs time in every statement of the application.
-- Parameters: i_rel - the table.
-- Returns:    letters in order: a all (a type we do not know in detail), b bytea_output, d DateStyle and TimeZone,
--             f extra_float_digits, i IntervalStyle; empty for integers, texts, numerics, uuids, ...
-- Tables:     pg_attribute, pg_type (read).
CREATE OR REPLACE FUNCTION millrace.capture_pins(i_rel oid) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_type oid;
    v_pins text := '';
    v_more text;
BEGIN
    FOR v_type IN SELECT DISTINCT a.atttypid FROM pg_attribute a WHERE a.attrelid = i_rel AND a.attnum > 0 AND NOT a.attisdropped LOOP
        v_more := millrace.pins_of_type(v_type);
        IF strpos(v_pins, v_more) = 0 THEN
            v_pins := v_pins || v_more;
        END IF;
    END LOOP;
    RETURN CASE WHEN strpos(v_pins, 'a') > 0 THEN 'a' ELSE (
        CASE WHEN strpos(v_pins, 'b') > 0 THEN 'b' ELSE '' END || CASE WHEN strpos(v_pins, 'd') > 0 THEN 'd' ELSE '' END
        || CASE WHEN strpos(v_pins, 'f') > 0 THEN 'f' ELSE '' END || CASE WHEN strpos(v_pins, 'i') > 0 THEN 'i' ELSE '' END) END;
END $$;

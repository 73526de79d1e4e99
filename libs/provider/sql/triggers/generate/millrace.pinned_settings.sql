-- millrace.pinned_settings(pins)
-- Purpose:    the settings and values behind the letters of millrace.capture_pins: under them the text of every type is
--             the same in every session and reads back as the same value.
-- Parameters: i_pins - letters.
-- Returns:    (name, value).
-- Tables:     none.
CREATE OR REPLACE FUNCTION millrace.pinned_settings(i_pins text, OUT name text, OUT value text) RETURNS SETOF record
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT s.name, s.value
    FROM (VALUES ('d', 'DateStyle', 'ISO, YMD'), ('d', 'TimeZone', 'UTC'), ('f', 'extra_float_digits', '1'),
                 ('i', 'IntervalStyle', 'postgres'), ('b', 'bytea_output', 'hex'), ('a', 'lc_monetary', 'C'),
                 ('a', 'xmloption', 'content')) AS s(letter, name, value)
    WHERE strpos(i_pins, s.letter) > 0 OR strpos(i_pins, 'a') > 0
$$;

-- pgq.urlencode(value)
-- Purpose:    the encoding of names and values in logutriga's events: letters, digits and _ . - stay, a blank is +, every
--             other byte of the server's encoding is %xx. What ASCII can show is replaced one by one, which is ten times
--             quicker than to take the text apart.
-- Parameters: i_value - any text.
-- Returns:    the encoded text; NULL for NULL.
-- Tables:     none.
CREATE OR REPLACE FUNCTION pgq.urlencode(i_value text) RETURNS text
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_value text := replace(replace(replace(i_value, '%', '%25'), '+', '%2b'), ' ', '+');
BEGIN
    v_value := replace(replace(replace(replace(replace(replace(v_value, ',', '%2c'), ':', '%3a'), '/', '%2f'), '"', '%22'), '''', '%27'), '@', '%40');
    IF v_value !~ '[^A-Za-z0-9_.%+-]' THEN
        RETURN v_value;
    END IF;
    v_value := replace(replace(replace(replace(replace(replace(v_value, '!', '%21'), '#', '%23'), '$', '%24'), '&', '%26'), '(', '%28'), ')', '%29');
    v_value := replace(replace(replace(replace(replace(replace(v_value, '*', '%2a'), ';', '%3b'), '<', '%3c'), '=', '%3d'), '>', '%3e'), '?', '%3f');
    v_value := replace(replace(replace(replace(replace(replace(v_value, '[', '%5b'), E'\\', '%5c'), ']', '%5d'), '^', '%5e'), '`', '%60'), '{', '%7b');
    v_value := replace(replace(replace(replace(v_value, '|', '%7c'), '}', '%7d'), '~', '%7e'), E'\n', '%0a');
    IF v_value !~ '[^A-Za-z0-9_.%+-]' THEN
        RETURN v_value;
    END IF;
    RETURN (SELECT string_agg(coalesce(m[1], regexp_replace(encode(convert_to(m[2], getdatabaseencoding()), 'hex'), '(..)', E'%\\1', 'g')), '')
            FROM regexp_matches(v_value, '([A-Za-z0-9_.%+-]+)|([^A-Za-z0-9_.%+-]+)', 'g') AS m);
END $$;

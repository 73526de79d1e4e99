-- millrace.fill_part(text, values)
-- Purpose:    millrace.fill for a part of a template: fills its holes, and its blocks by calling itself.
-- Parameters: i_text - of whole lines; i_values - an object.
-- Returns:    SQL.
-- Errors:     as millrace.fill.
-- Tables:     none.
CREATE OR REPLACE FUNCTION millrace.fill_part(i_text text, i_values jsonb) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_rest   text := i_text;
    v_filled text := '';
    v_at     integer;
    v_part   text;
    v_parts  text[];
    v_hole   text;
    v_name   text;
    v_value  text;
    v_item   jsonb;
BEGIN
    LOOP
        -- Holes, up to the next directive: a line that begins with two hyphens.
        v_at := strpos(v_rest, E'\n--');
        v_part := CASE v_at WHEN 0 THEN v_rest ELSE substr(v_rest, 1, v_at - 1) END;
        v_parts := string_to_array(v_part, '{{');
        v_filled := v_filled || coalesce(v_parts[1], '');
        FOR n IN 2 .. coalesce(cardinality(v_parts), 0) LOOP
            v_hole := split_part(v_parts[n], '}}', 1);
            v_value := i_values ->> trim(v_hole, '''"');
            IF v_value IS NULL THEN
                RAISE EXCEPTION 'a template has no value for {{%}}', v_hole;
            END IF;
            v_filled := v_filled || CASE left(v_hole, 1) WHEN '''' THEN quote_literal(v_value) WHEN '"' THEN quote_ident(v_value) ELSE v_value END
                     || substr(v_parts[n], length(v_hole) + 3);
        END LOOP;
        IF v_at = 0 THEN
            RETURN v_filled;
        END IF;
        -- The block: "if name", its lines, and what follows the line "--end name".
        v_rest := substr(v_rest, v_at + 3);
        v_part := split_part(v_rest, E'\n', 1);
        v_name := split_part(v_part, ' ', 2);
        v_at := strpos(v_rest || E'\n', E'\n--end ' || v_name || E'\n');
        IF v_at = 0 THEN
            RAISE EXCEPTION 'a template has no --end for --%', v_part;
        END IF;
        CASE v_part || ' ' || coalesce(jsonb_typeof(i_values -> v_name), 'nothing')
        WHEN 'if ' || v_name || ' boolean' THEN
            IF (i_values -> v_name)::boolean THEN
                v_filled := v_filled || millrace.fill_part(substr(v_rest, length(v_part) + 1, v_at - length(v_part) - 1), i_values);
            END IF;
        WHEN 'each ' || v_name || ' array' THEN
            FOR v_item IN SELECT * FROM jsonb_array_elements(i_values -> v_name) LOOP
                v_filled := v_filled || millrace.fill_part(substr(v_rest, length(v_part) + 1, v_at - length(v_part) - 1), i_values - v_name || v_item);
            END LOOP;
        ELSE
            RAISE EXCEPTION 'a template has no value that suits --%', v_part;
        END CASE;
        v_rest := substr(v_rest, v_at + length(E'\n--end ' || v_name));
    END LOOP;
END $$;

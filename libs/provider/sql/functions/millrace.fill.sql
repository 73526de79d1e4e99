-- millrace.fill(template, values)
-- Purpose:    the SQL that a template stands for. A template (millrace.template) is a whole statement with named holes:
--             {{name}}           the value as it is: a number or a piece of SQL
--             {{'name'}}         the value as a string literal
--             {{"name"}}         the value as an identifier
--             --if name          a line; those up to the line "--end name" stay when the value is true, go when it is false
--             --each name        a line; those up to the line "--end name" stand once for each object of an array, whose
--                                fields are values inside
--             $body$ .. $body$   what is between becomes a string literal once it is filled: the body of a function, which
--                                no value can end
--             A value is never searched for holes.
-- Parameters: i_template - text of a template; i_values - an object; each of its fields must have a place in the template.
-- Returns:    SQL.
-- Errors:     a hole without a value, a value without a place, a directive that is none or that does not end (P0001).
-- Tables:     none.
CREATE OR REPLACE FUNCTION millrace.fill(i_template text, i_values jsonb) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_parts  text[] := string_to_array(i_template, '$body$');
    v_unused text;
BEGIN
    SELECT string_agg(k.name, ', ' ORDER BY k.name) INTO v_unused FROM (
        SELECT jsonb_object_keys(i_values)
        EXCEPT SELECT trim(split_part(h, '}}', 1), '''"') FROM unnest(string_to_array(i_template, '{{')) AS h
        EXCEPT SELECT split_part(split_part(d, E'\n', 1), ' ', 2) FROM unnest(string_to_array(i_template, E'\n--')) AS d) AS k(name);
    IF v_unused IS NOT NULL THEN
        RAISE EXCEPTION 'values without a place in the template: %', v_unused;
    ELSIF cardinality(v_parts) = 1 THEN
        RETURN millrace.fill_part(i_template, i_values);
    END IF;
    RETURN millrace.fill_part(v_parts[1], i_values) || quote_literal(millrace.fill_part(v_parts[2], i_values)) || millrace.fill_part(v_parts[3], i_values);
END $$;

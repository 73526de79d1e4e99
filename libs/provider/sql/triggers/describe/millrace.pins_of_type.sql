-- millrace.pins_of_type(type)
-- Purpose:    millrace.capture_pins for one type.
-- Parameters: i_type - a type; an array or domain counts as what it is made of.
-- Returns:    letters, as millrace.capture_pins.
-- Tables:     pg_type (read), for types not listed here.
CREATE OR REPLACE FUNCTION millrace.pins_of_type(i_type oid) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_type record;
BEGIN
    -- By number: looking names up would be most of the work. They are part of PostgreSQL and never change.
    CASE
    -- bool, "char", name, int8, int2, int4, text, oid, json, cidr, macaddr8, macaddr, inet, bpchar, varchar, bit, varbit,
    -- numeric, uuid, pg_lsn, tsvector, jsonb
    WHEN i_type IN (16, 18, 19, 20, 21, 23, 25, 26, 114, 650, 774, 829, 869, 1042, 1043, 1560, 1562, 1700, 2950, 3220, 3614, 3802) THEN
        RETURN '';
    WHEN i_type IN (1082, 1083, 1114, 1184, 1266) THEN  -- date, time, timestamp, timestamptz, timetz
        RETURN 'd';
    WHEN i_type IN (700, 701) THEN  -- float4, float8
        RETURN 'f';
    WHEN i_type = 1186 THEN  -- interval
        RETURN 'i';
    WHEN i_type = 17 THEN  -- bytea
        RETURN 'b';
    ELSE
        SELECT t.typtype, t.typcategory, t.typelem, t.typbasetype INTO v_type FROM pg_type t WHERE t.oid = i_type;
        RETURN CASE
            WHEN v_type.typtype = 'd' THEN millrace.pins_of_type(v_type.typbasetype)
            WHEN v_type.typcategory = 'A' AND v_type.typelem <> 0 THEN millrace.pins_of_type(v_type.typelem)
            WHEN v_type.typtype = 'e' THEN ''
            ELSE 'a' END;
    END CASE;
END $$;

-- millrace.pins_of_type(type)
-- Purpose:    millrace.capture_pins for one type.
-- Parameters: i_type - a type; an array or domain counts as what it is made of.
-- Returns:    letters, as millrace.capture_pins.
-- Tables:     pg_type (read), for types not known by heart.
CREATE OR REPLACE FUNCTION millrace.pins_of_type(i_type oid) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_type record;
BEGIN
    CASE
    WHEN i_type = ANY ('{bool,int2,int4,int8,numeric,text,varchar,bpchar,"\"char\"",name,uuid,json,jsonb,inet,cidr,macaddr,macaddr8,oid,bit,varbit,tsvector,pg_lsn}'::regtype[]::oid[]) THEN
        RETURN '';
    WHEN i_type = ANY ('{timestamptz,timestamp,date,time,timetz}'::regtype[]::oid[]) THEN
        RETURN 'd';
    WHEN i_type IN ('float8'::regtype, 'float4'::regtype) THEN
        RETURN 'f';
    WHEN i_type = 'interval'::regtype THEN
        RETURN 'i';
    WHEN i_type = 'bytea'::regtype THEN
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

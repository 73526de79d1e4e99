-- pgq.has_equality(type)
-- Purpose:    whether record_eq can compare values of a type, as the server decides it: by the default operator class of the
--             type, or of the one type that it stands for. Read from the catalogs: a comparison of values, a NULL among them,
--             would run the CHECKs of a domain as the caller.
-- Parameters: i_type - any type.
-- Returns:    false for json, xml, point and others, and for what is made of them.
-- Tables:     pg_type, pg_attribute, pg_opclass, pg_cast (read).
CREATE OR REPLACE FUNCTION pgq.has_equality(i_type oid) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_type pg_type;
BEGIN
    SELECT * INTO v_type FROM pg_type t WHERE t.oid = i_type;
    IF v_type.typtype = 'd' THEN
        RETURN pgq.has_equality(v_type.typbasetype);
    ELSIF v_type.typtype IN ('e', 'r', 'm') THEN
        RETURN true;
    ELSIF v_type.typtype = 'c' THEN
        RETURN NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = v_type.typrelid AND a.attnum > 0 AND NOT a.attisdropped
                                                        AND NOT pgq.has_equality(a.atttypid));
    ELSIF v_type.typsubscript = 'array_subscript_handler'::regproc THEN
        RETURN pgq.has_equality(v_type.typelem);
    END IF;
    -- Per access method (btree, hash): the type's own class, else that of a type it may be read as without a change:
    -- the only one, or the only preferred one.
    RETURN EXISTS (
        SELECT FROM (
            SELECT count(*) FILTER (WHERE o.opcintype = i_type) AS own, count(*) AS fit,
                   count(*) FILTER (WHERE b.typispreferred AND b.typcategory = v_type.typcategory) AS preferred
            FROM pg_opclass o JOIN pg_am m ON m.oid = o.opcmethod JOIN pg_type b ON b.oid = o.opcintype
            WHERE o.opcdefault AND m.amname IN ('btree', 'hash')
              AND (o.opcintype = i_type OR EXISTS (SELECT FROM pg_cast c WHERE c.castsource = i_type AND c.casttarget = o.opcintype
                                                                          AND c.castmethod = 'b' AND c.castcontext = 'i'))
            GROUP BY m.amname) AS f
        WHERE f.own = 1 OR f.preferred = 1 OR (f.preferred = 0 AND f.fit = 1));
END $$;

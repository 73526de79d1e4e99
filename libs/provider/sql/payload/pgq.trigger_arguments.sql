-- pgq.trigger_arguments(trigger)
-- Purpose:    a trigger's arguments. The catalog has them as bytes of the server's encoding, each with a zero byte behind it.
-- Parameters: i_trigger - oid of the trigger.
-- Returns:    texts from 0, as TG_ARGV; none: an empty array.
-- Tables:     pg_trigger (read).
CREATE OR REPLACE FUNCTION pgq.trigger_arguments(i_trigger oid) RETURNS text[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_args text[];
BEGIN
    SELECT array_agg(convert_from(decode(a.part[1], 'hex'), getdatabaseencoding()) ORDER BY a.n) INTO v_args
    FROM pg_trigger t, regexp_matches(encode(t.tgargs, 'hex'), '((?:(?!00)..)*)00', 'g') WITH ORDINALITY AS a(part, n)
    WHERE t.oid = i_trigger;
    RETURN coalesce(('[0:' || cardinality(v_args) - 1 || ']=' || v_args::text)::text[], '{}');
END $$;

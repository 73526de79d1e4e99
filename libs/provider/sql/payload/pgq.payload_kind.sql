-- pgq.payload_kind(function)
-- Purpose:    the kind of payload of a trigger's function: jsontriga, logutriga, sqltriga, or one that pgq.write_trigger wrote,
--             of this version or an older one. Its last lines name the kind.
-- Parameters: i_function - its oid.
-- Returns:    json, url or sql; NULL: another function.
-- Tables:     pg_proc (read).
CREATE OR REPLACE FUNCTION pgq.payload_kind(i_function oid) RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT CASE p.proname WHEN 'jsontriga' THEN 'json' WHEN 'logutriga' THEN 'url' WHEN 'sqltriga' THEN 'sql'
           ELSE substring(p.prosrc FROM $re$.*pgq\.trigger_(?:plan|statement)\('(json|url|sql)'$re$) END
    FROM pg_proc p WHERE p.oid = i_function;
END;

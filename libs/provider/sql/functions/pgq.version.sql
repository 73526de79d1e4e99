-- pgq.version()
-- Purpose:    which contract this schema keeps.
-- Returns:    PgQ's version, and that this is the implementation without C code.
-- Tables:     none.
CREATE OR REPLACE FUNCTION pgq.version() RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN '3.5.2-millrace';

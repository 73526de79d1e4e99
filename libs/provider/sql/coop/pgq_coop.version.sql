-- pgq_coop.version()
-- Purpose:    which contract this schema keeps.
-- Returns:    pgq_coop's version, and that this is the implementation without the extension.
-- Tables:     none.
CREATE OR REPLACE FUNCTION pgq_coop.version() RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN '3.2-millrace';

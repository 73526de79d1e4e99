-- pgq_ext.version()
-- Purpose:    which contract this schema keeps.
-- Returns:    pgq_ext's version, and that this is the implementation without the extension.
-- Tables:     none.
CREATE FUNCTION pgq_ext.version() RETURNS text LANGUAGE sql IMMUTABLE
RETURN '3.5-millrace';

-- pgq_ext.upgrade_schema(): for callers that upgrade so; here the installer does it.
CREATE FUNCTION pgq_ext.upgrade_schema() RETURNS integer LANGUAGE sql IMMUTABLE
RETURN 0;

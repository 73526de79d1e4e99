-- pgq.upgrade_schema()
-- Purpose:    for callers that upgrade PgQ's tables so: here the installer does it (numbered migrations).
-- Returns:    0, the number of changes made.
-- Tables:     none.
CREATE OR REPLACE FUNCTION pgq.upgrade_schema() RETURNS integer
LANGUAGE sql IMMUTABLE
RETURN 0;

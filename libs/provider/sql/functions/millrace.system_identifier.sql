-- millrace.system_identifier()
-- Purpose:    the identity of this cluster, made by initdb and kept by physical copies.
-- Returns:    the decimal number as text.
-- Tables:     none (reads the control file; not for inner loops).
CREATE OR REPLACE FUNCTION millrace.system_identifier() RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN (SELECT s.system_identifier::text FROM pg_control_system() AS s);

-- Whoever may write events may note them as done; anybody may read the version. Only the functions use the tables.
DO $grants$
BEGIN
    REVOKE ALL ON ALL FUNCTIONS IN SCHEMA pgq_ext FROM PUBLIC;
    GRANT USAGE ON SCHEMA pgq_ext TO PUBLIC;
    GRANT EXECUTE ON FUNCTION pgq_ext.version() TO PUBLIC;
    IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'pgq_writer') THEN
        GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA pgq_ext TO pgq_writer;
    END IF;
    COMMENT ON SCHEMA pgq_ext IS 'Millrace pgq_ext 1';
END $grants$;

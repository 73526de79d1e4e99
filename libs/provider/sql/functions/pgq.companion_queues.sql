-- pgq.companion_queues(query, relations)
-- Purpose:    the queues that a companion of PgQ works on, from its own tables: read only where each of them is a plain table
--             of a superuser or a member of our owner without row security, so that reading runs nobody's code; none where
--             we may not read them.
-- Parameters: i_query - gives names of queues; i_relations - schema.table, what it reads.
-- Returns:    names.
-- Tables:     pg_class, pg_namespace (read), i_relations (read).
CREATE OR REPLACE FUNCTION pgq.companion_queues(i_query text, i_relations text[]) RETURNS SETOF text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF cardinality(i_relations) = (
        SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname || '.' || c.relname = ANY (i_relations) AND c.relkind = 'r' AND NOT c.relrowsecurity
          AND pg_has_role(c.relowner, current_user, 'MEMBER') AND has_table_privilege(c.oid, 'SELECT')
          AND has_schema_privilege(n.oid, 'USAGE')) THEN
        RETURN QUERY EXECUTE i_query;
    END IF;
END $$;

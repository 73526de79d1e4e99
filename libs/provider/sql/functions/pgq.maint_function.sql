-- pgq.maint_function(name, argument, companion)
-- Purpose:    whether maintenance may call a function by this name: it runs with all rights of the ticker's session.
--             Decided from the catalogs, for every function of that name, since any of them might fit the call: each belongs
--             to a role that is a superuser or a member of our owner, and so does its schema (public: the database's owner). Of the extra functions of queues
--             also: none of the server, of an extension or of schemas of ours (several run their argument, or read a
--             relation of that name, and the argument is the name of a queue), and pgq_admin, who names it, may call it.
-- Parameters: i_name - schema.function; i_argument - whether it is called with a queue; i_companion - one of PgQ's companions,
--             which extensions pgq_node and londiste may have brought.
-- Returns:    false also when there is no such function.
-- Tables:     pg_proc, pg_namespace, pg_depend, pg_extension, pg_roles (read).
CREATE OR REPLACE FUNCTION pgq.maint_function(i_name text, i_argument boolean, i_companion boolean) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN coalesce((
        SELECT bool_or(p.pronargs = i_argument::integer) AND bool_and(
            (pg_has_role(p.proowner, current_user, 'MEMBER') AND pg_has_role(CASE WHEN n.nspowner = 'pg_database_owner'::regrole THEN d.datdba ELSE n.nspowner END, current_user, 'MEMBER')
             OR i_companion AND e.extname IN ('pgq_node', 'londiste'))
            AND (i_companion OR (p.oid >= 16384 AND e.oid IS NULL AND n.nspname NOT IN ('pgq', 'pgq_coop', 'pgq_ext', 'millrace')
                 AND coalesce((SELECT has_function_privilege(r.oid, p.oid, 'EXECUTE') FROM pg_roles r WHERE r.rolname = 'pgq_admin'), true))))
        FROM pg_namespace n JOIN pg_proc p ON p.pronamespace = n.oid
        LEFT JOIN pg_depend x ON x.classid = 'pg_proc'::regclass AND x.objid = p.oid AND x.deptype = 'e'
        LEFT JOIN pg_extension e ON e.oid = x.refobjid
        JOIN pg_database d ON d.datname = current_database()
        WHERE n.nspname = split_part(i_name, '.', 1) AND p.proname = substr(i_name, strpos(i_name, '.') + 1)), false);
END $$;

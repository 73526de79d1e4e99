-- millrace.capture_refusal(rel)
-- Purpose:    why a table cannot be replicated, in words for a person.
-- Parameters: i_rel - any relation.
-- Returns:    the reason, without the table's name; NULL when it can be.
-- Tables:     catalogs (read).
CREATE OR REPLACE FUNCTION millrace.capture_refusal(i_rel oid) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_rel  record;
    v_part text;
BEGIN
    SELECT c.*, n.nspname INTO v_rel FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = i_rel;
    IF NOT FOUND THEN
        RETURN 'it does not exist';
    ELSIF v_rel.relkind NOT IN ('r', 'p') THEN
        RETURN 'it is ' || CASE v_rel.relkind WHEN 'v' THEN 'a view' WHEN 'm' THEN 'a materialized view'
            WHEN 'f' THEN 'a foreign table' WHEN 'S' THEN 'a sequence' WHEN 'i' THEN 'an index' WHEN 'c' THEN 'a composite type'
            ELSE 'not a table' END;
    ELSIF v_rel.nspname IN ('pg_catalog', 'information_schema', 'pg_toast') THEN
        RETURN 'it belongs to the system';
    ELSIF v_rel.nspname IN ('pgq', 'pgq_coop', 'pgq_ext', 'millrace') THEN
        RETURN 'it belongs to Millrace itself';
    ELSIF v_rel.relpersistence = 't' THEN
        RETURN 'it is a temporary table';
    ELSIF v_rel.relpersistence = 'u' THEN
        RETURN 'it is unlogged: a crash would empty it unseen';
    ELSIF v_rel.relispartition THEN
        RETURN 'it is a partition: add its root, '
            || (SELECT a.id::regclass::text FROM pg_partition_ancestors(i_rel) WITH ORDINALITY AS a(id, n) ORDER BY a.n DESC LIMIT 1);
    ELSIF EXISTS (SELECT FROM pg_inherits h WHERE h.inhrelid = i_rel) THEN
        RETURN 'it inherits from another table';
    ELSIF v_rel.relkind = 'r' AND EXISTS (SELECT FROM pg_inherits h WHERE h.inhparent = i_rel) THEN
        RETURN 'other tables inherit from it';
    ELSIF EXISTS (SELECT FROM pg_index i WHERE i.indrelid = i_rel AND i.indisprimary AND NOT i.indimmediate) THEN
        RETURN 'its primary key is deferrable: rows may hold the same key for a while';
    ELSIF (millrace.table_key(i_rel)).index IS NULL THEN
        RETURN 'it has no primary key, nor a unique index on columns that are not null';
    END IF;
    SELECT c.oid::regclass::text INTO v_part FROM millrace.capture_tree(i_rel) AS p(relid) JOIN pg_class c ON c.oid = p.relid
    WHERE c.relkind NOT IN ('r', 'p') OR c.relpersistence <> 'p' LIMIT 1;
    IF v_part IS NOT NULL THEN
        RETURN format('its partition %s is foreign or unlogged', v_part);
    END IF;
    SELECT p.relid::regclass::text INTO v_part FROM millrace.capture_tree(i_rel) AS p(relid)
    WHERE NOT has_table_privilege(p.relid, 'SELECT') OR NOT has_table_privilege(p.relid, 'TRIGGER') LIMIT 1;
    IF v_part IS NOT NULL THEN
        RETURN format('role %I may not read %s and make triggers on it: GRANT SELECT, TRIGGER ON %s TO %I', current_user, v_part, v_part, current_user);
    END IF;
    SELECT p.relid::regclass::text INTO v_part FROM millrace.capture_tree(i_rel) AS p(relid) WHERE row_security_active(p.relid) LIMIT 1;
    IF v_part IS NOT NULL THEN
        RETURN format('row security of %s would hide rows from role %I', v_part, current_user);
    END IF;
    RETURN NULL;
END $$;

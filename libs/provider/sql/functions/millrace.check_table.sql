-- millrace.check_table(rel)
-- Purpose:    whether a table can be replicated, as the role sees it that would make its triggers: an operator has other rights.
-- Parameters: i_rel - any relation.
-- Returns:    refusal - why not, without the table's name, NULL when it can be; key - its columns, NULL without one; acts_as - that role.
-- Tables:     catalogs (read), as millrace.capture_refusal and millrace.table_key.
CREATE OR REPLACE FUNCTION millrace.check_table(i_rel oid, OUT refusal text, OUT key text[], OUT acts_as name)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    refusal := millrace.capture_refusal(i_rel);
    acts_as := current_user;
    -- millrace.table_key opens the relation, which fails for a composite type.
    IF EXISTS (SELECT FROM pg_class c WHERE c.oid = i_rel AND c.relkind IN ('r', 'p')) THEN
        key := (millrace.table_key(i_rel)).names;
    END IF;
END $$;

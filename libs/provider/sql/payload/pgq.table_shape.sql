-- pgq.table_shape(relation)
-- Purpose:    identifies a state of a table's columns and key: code made for one shape must not run with another.
--             Called at every row, so it must be fast: with enable_seqscan = off the planner does not choose to read the
--             small catalog whole.
-- Parameters: i_relation - the table.
-- Returns:    its name, a hash of its columns' names, types and places, its primary key's index (whose columns never change).
-- Tables:     pg_attribute, pg_index (read).
CREATE OR REPLACE FUNCTION pgq.table_shape(i_relation oid) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
BEGIN
    RETURN concat(i_relation::regclass, ' ',
        (SELECT bit_xor(hashtextextended(concat(a.attnum, ' ', a.atttypid, a.attgenerated, ' ', a.attname), 0))
         FROM pg_attribute a WHERE a.attrelid = i_relation AND a.attnum > 0), ' ',
        (SELECT i.indexrelid FROM pg_index i WHERE i.indrelid = i_relation AND i.indisprimary));
END $$;

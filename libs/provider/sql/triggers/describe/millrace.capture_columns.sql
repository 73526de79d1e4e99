-- millrace.capture_columns(rel)
-- Purpose:    a table's columns as in an event (ev_extra2): a JSON array in the order of the row, null for a
--             generated column, whose value must not be used; behind it the columns' numbers and types
--             (millrace.capture_numbers).
--             It is declared IMMUTABLE, although it reads the catalogs: called with a constant in a statement that reads the table's transition
--             rows, it is evaluated when that statement is planned and costs nothing afterwards, and every ALTER TABLE
--             makes every session plan that statement again. Never call it with a constant anywhere else.
-- Parameters: i_rel - the table.
-- Returns:    JSON text, and numbers and types behind it: ["id","v"] 16421:1i,2v20; just [] for a table without columns.
--             millrace.capture_list gives the JSON alone.
-- Tables:     pg_attribute (read).
CREATE OR REPLACE FUNCTION millrace.capture_columns(i_rel oid) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_names text[] := millrace.capture_names(i_rel);
BEGIN
    RETURN coalesce((
        SELECT to_json(array_agg(CASE WHEN coalesce(a.attgenerated, '') = '' THEN c.name END ORDER BY c.n))
        FROM unnest(v_names) WITH ORDINALITY AS c(name, n)
        LEFT JOIN pg_attribute a ON a.attrelid = i_rel AND a.attname = c.name AND NOT a.attisdropped)::text
        || millrace.capture_numbers(i_rel, v_names), '[]');
END $$;

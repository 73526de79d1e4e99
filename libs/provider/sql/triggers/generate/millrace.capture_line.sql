-- millrace.capture_line(op, shape, alias)
-- Purpose:    the expression for a line of a whole row of a transition table. A virtual generated column may not be
--             named there (the server refuses it: "unexpected virtual generated column reference"): then by way of the row's own text,
--             which is slower.
-- Parameters: i_op - the line's operation; i_shape - millrace.capture_shape; i_alias - of the transition table.
-- Returns:    an SQL expression of type text.
-- Tables:     none.
CREATE OR REPLACE FUNCTION millrace.capture_line(i_op text, i_shape text, i_alias text) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT format(CASE WHEN strpos(i_shape, ';virtual;') > 0 THEN '''(%1$s,'' || left(substr((%2$s.*)::text, 2), -1) || '',)'''
                  ELSE 'ROW(''%1$s'', %2$s.*, NULL)::text' END, i_op, i_alias)
$$;

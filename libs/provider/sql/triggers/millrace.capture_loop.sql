-- millrace.capture_loop(queue_id, registered, type, columns, key, query)
-- Purpose:    the part of a capture function's source that puts the lines of a query into the queue, in order, in pieces
--             of at most 2000 lines or about 1 MB (each line counts 500 bytes for itself; a longer line is one piece). Rows are
--             concatenated here and not by an aggregate: memory stays flat and their order is kept.
-- Parameters: i_queue_id; i_registered - ev_extra1; i_type, i_columns, i_key - source of expressions for ev_type,
--             ev_extra2, ev_extra3; i_query - source after FOR line IN.
-- Returns:    PL/pgSQL statements over the variables line, lines, bytes; bytes is 0 afterwards when there was no line.
-- Tables:     none.
CREATE OR REPLACE FUNCTION millrace.capture_loop(i_queue_id integer, i_registered text, i_type text, i_columns text, i_key text, i_query text)
RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT format($source$
        lines := '{}';
        bytes := 0;
        FOR line IN %1$s LOOP
            bytes := bytes + octet_length(line) + 500;
            IF bytes > 1000000 AND cardinality(lines) > 0 THEN
                PERFORM millrace.put_capture(%2$s, %3$s, %4$L, %5$s, %6$s, lines);
                lines := '{}';
                bytes := octet_length(line) + 500;
            END IF;
            lines := lines || line;
        END LOOP;
        IF bytes > 0 THEN
            PERFORM millrace.put_capture(%2$s, %3$s, %4$L, %5$s, %6$s, lines);
        END IF;$source$, i_query, i_queue_id, i_type, i_registered, i_columns, i_key)
$$;

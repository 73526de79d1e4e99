-- millrace.put_capture(queue_id, type, table, columns, key, lines)
-- Purpose:    puts one captured event into a queue's current event table; the capture functions' way for all but
--             single rows.
-- Parameters: i_queue_id; i_type - ev_type; i_table, i_columns, i_key - ev_extra1, 2, 3; i_lines - rows as text.
-- Returns:    nothing.
-- Tables:     pgq.queue (read), the queue's event table (insert).
CREATE OR REPLACE FUNCTION millrace.put_capture(i_queue_id integer, i_type text, i_table text, i_columns text, i_key text, i_lines text[])
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_table text;
BEGIN
    SELECT pgq.quote_fqname(q.queue_data_pfx || '_' || q.queue_cur_table) INTO STRICT v_table FROM pgq.queue q WHERE q.queue_id = i_queue_id;
    EXECUTE 'INSERT INTO ' || v_table || ' (ev_time, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4)
             VALUES (now(), $1, $2, $3, $4, $5, $6)'
    USING i_type, array_to_string(i_lines, E'\n'), i_table, i_columns, i_key, cardinality(i_lines)::text;
END $$;

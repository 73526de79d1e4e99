-- pgq.get_batch_cursor(batch, cursor_name, quick_limit, extra_where)
-- Purpose:    opens a cursor over an open batch's events, by ev_id, so that a consumer reads a batch of any size in pieces:
--             FETCH gives the rest, until the transaction ends.
--             extra_where is SQL. It runs with the caller's own rights, over the event's columns, with names of pg_catalog
--             only unless they have a schema; and it stays one condition of one SELECT, whatever is written in it.
-- Parameters: i_cursor_name - new in this transaction; i_quick_limit - how many events to give at once (none when 0 or
--             less); i_extra_where - condition on the event columns, or NULL.
-- Returns:    the first events; nothing, and no cursor, when one of the first three arguments is NULL. Errors: batch not found.
-- Tables:     the event tables (read, as the caller).
CREATE OR REPLACE FUNCTION pgq.get_batch_cursor(
    IN i_batch_id bigint, IN i_cursor_name text, IN i_quick_limit integer, IN i_extra_where text,
    OUT ev_id bigint, OUT ev_time timestamptz, OUT ev_txid bigint, OUT ev_retry integer,
    OUT ev_type text, OUT ev_data text, OUT ev_extra1 text, OUT ev_extra2 text, OUT ev_extra3 text, OUT ev_extra4 text)
RETURNS SETOF record
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_cursor refcursor := i_cursor_name;
    v_sql    text;
BEGIN
    IF i_batch_id IS NULL OR i_cursor_name IS NULL OR i_quick_limit IS NULL THEN
        RETURN;
    END IF;
    v_sql := pgq.batch_event_sql(i_batch_id);
    IF i_extra_where IS NOT NULL THEN
        -- The line break ends a comment in the condition. A cursor refuses more than one statement.
        v_sql := 'SELECT * FROM (' || v_sql || ') AS e WHERE (' || i_extra_where || E'\n) ORDER BY 1';
    END IF;
    OPEN v_cursor NO SCROLL FOR EXECUTE v_sql;
    FOR n IN 1 .. i_quick_limit LOOP
        FETCH v_cursor INTO ev_id, ev_time, ev_txid, ev_retry, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4;
        EXIT WHEN NOT FOUND;
        RETURN NEXT;
    END LOOP;
END $$;

-- pgq.get_batch_cursor(batch, cursor_name, quick_limit): all events of the batch.
CREATE OR REPLACE FUNCTION pgq.get_batch_cursor(
    IN i_batch_id bigint, IN i_cursor_name text, IN i_quick_limit integer,
    OUT ev_id bigint, OUT ev_time timestamptz, OUT ev_txid bigint, OUT ev_retry integer,
    OUT ev_type text, OUT ev_data text, OUT ev_extra1 text, OUT ev_extra2 text, OUT ev_extra3 text, OUT ev_extra4 text)
RETURNS SETOF record
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY SELECT * FROM pgq.get_batch_cursor(i_batch_id, i_cursor_name, i_quick_limit, NULL);
END $$;

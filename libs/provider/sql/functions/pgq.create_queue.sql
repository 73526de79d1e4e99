-- pgq.create_queue(queue)
-- Purpose:    makes a queue: its row, sequences, event tables with one index each, grants, storage, and tick 1.
--             Safe when several sessions make the same one.
-- Parameters: i_queue_name - any text.
-- Returns:    1 made, 0 existed. Errors: Invalid NULL value.
-- Tables:     pgq.queue, pgq.tick (write); makes pgq.event_<id> and its children.
CREATE OR REPLACE FUNCTION pgq.create_queue(i_queue_name text) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_id     integer;
    v_count  integer;
    v_prefix text;
    v_child  text;
BEGIN
    IF i_queue_name IS NULL THEN
        RAISE EXCEPTION 'Invalid NULL value';
    END IF;
    -- One creator at a time; statements after this one see what an earlier creator committed.
    PERFORM millrace.lock_row('queues', 'making or dropping a queue');
    IF EXISTS (SELECT FROM pgq.queue q WHERE q.queue_name = i_queue_name) THEN
        RETURN 0;
    END IF;

    v_id := nextval('pgq.queue_queue_id_seq');
    v_prefix := 'pgq.event_' || v_id;
    INSERT INTO pgq.queue (queue_id, queue_name, queue_data_pfx, queue_event_seq, queue_tick_seq)
    VALUES (v_id, i_queue_name, v_prefix, v_prefix || '_id_seq', v_prefix || '_tick_seq')
    RETURNING queue_ntables INTO v_count;

    -- CACHE 1: cached blocks of ids would let one session's later event sort before another's earlier one.
    EXECUTE format('CREATE SEQUENCE %s CACHE 1', pgq.quote_fqname(v_prefix || '_id_seq'));
    EXECUTE format('CREATE SEQUENCE %s CACHE 1', pgq.quote_fqname(v_prefix || '_tick_seq'));
    EXECUTE format('CREATE TABLE %s () INHERITS (pgq.event_template)', pgq.quote_fqname(v_prefix));
    FOR n IN 0 .. v_count - 1 LOOP
        v_child := pgq.quote_fqname(v_prefix || '_' || n);
        EXECUTE format('CREATE TABLE %s () INHERITS (%s)', v_child, pgq.quote_fqname(v_prefix));
        EXECUTE format('ALTER TABLE %s ALTER COLUMN ev_id SET DEFAULT nextval(%L)', v_child, pgq.quote_fqname(v_prefix || '_id_seq'));
        EXECUTE format('CREATE INDEX %I ON %s (ev_txid)', 'event_' || v_id || '_' || n || '_txid_idx', v_child);
    END LOOP;

    PERFORM pgq.grant_perms(i_queue_name);
    PERFORM pgq.tune_storage(i_queue_name);
    PERFORM pgq.write_insert();
    PERFORM pgq.ticker(i_queue_name);
    RETURN 1;
END $$;

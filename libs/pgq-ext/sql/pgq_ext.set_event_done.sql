-- pgq_ext.set_event_done(consumer, subconsumer, batch, event)
-- Purpose:    notes that a consumer has applied an event of its batch here. The first event of another batch forgets those of
--             the one before, which is finished then. Two sessions that do the same: the second waits and returns false.
-- Returns:    true, false when it was done already.
-- Tables:     pgq_ext.partial_batch, pgq_ext.completed_event (write).
CREATE FUNCTION pgq_ext.set_event_done(a_consumer text, a_subconsumer text, a_batch_id bigint, a_event_id bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO pgq_ext.partial_batch AS p (consumer_id, subconsumer_id, cur_batch_id) VALUES (a_consumer, a_subconsumer, a_batch_id)
    ON CONFLICT (consumer_id, subconsumer_id) DO UPDATE SET cur_batch_id = excluded.cur_batch_id
    WHERE p.cur_batch_id <> excluded.cur_batch_id;
    IF FOUND THEN
        DELETE FROM pgq_ext.completed_event e
        WHERE e.consumer_id = a_consumer AND e.subconsumer_id = a_subconsumer AND e.batch_id <> a_batch_id;
    END IF;
    INSERT INTO pgq_ext.completed_event (consumer_id, subconsumer_id, batch_id, event_id)
    VALUES (a_consumer, a_subconsumer, a_batch_id, a_event_id)
    ON CONFLICT DO NOTHING;
    RETURN FOUND;
END $$;

-- pgq_ext.set_event_done(consumer, batch, event): of a consumer without subconsumers.
CREATE FUNCTION pgq_ext.set_event_done(a_consumer text, a_batch_id bigint, a_event_id bigint) RETURNS boolean LANGUAGE sql
RETURN pgq_ext.set_event_done(a_consumer, '', a_batch_id, a_event_id);

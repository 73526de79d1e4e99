-- pgq.insert_event(queue, ev_type, ev_data, ev_extra1 .. ev_extra4): templates/insert_event.sql, here without an INSERT of any
-- queue's own; pgq.write_insert adds those.
DO $$
BEGIN
    EXECUTE millrace.fill(millrace.template('insert_event'), '{"queues": []}');
END $$;

-- pgq.insert_event(queue, ev_type, ev_data): the same without extra fields. Becomes the call in it when planned.
CREATE OR REPLACE FUNCTION pgq.insert_event(queue_name text, ev_type text, ev_data text) RETURNS bigint
LANGUAGE sql
RETURN pgq.insert_event(queue_name, ev_type, ev_data, NULL, NULL, NULL, NULL);

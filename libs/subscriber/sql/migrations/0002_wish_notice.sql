-- Tells replay at once of changed wishes, so that it need not ask all the time. Only wishes do this, never batches.

-- Purpose: notifies on channel millrace_wish, with the queue as payload. Trigger function.
CREATE FUNCTION millrace.tell_subscriber_wish() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM pg_notify('millrace_wish', NEW.queue);
    RETURN NULL;
END $$;

CREATE TRIGGER tell_wish AFTER UPDATE ON millrace.control
    FOR EACH ROW WHEN (OLD.generation IS DISTINCT FROM NEW.generation) EXECUTE FUNCTION millrace.tell_subscriber_wish();
ALTER TABLE millrace.control ENABLE ALWAYS TRIGGER tell_wish;

-- A tick at which replay is to stop for a moment, so that somebody can look at the tables exactly as of it.

CREATE TABLE millrace.hold (
    id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    queue text NOT NULL,
    tick  bigint NOT NULL,                        -- a transaction of replay ends here; then it waits until the row is gone
    until timestamptz NOT NULL                    -- afterwards it counts for nothing; neither when its session has ended
);

CREATE TRIGGER note_wish AFTER INSERT OR UPDATE OR DELETE ON millrace.hold
    FOR EACH ROW EXECUTE FUNCTION millrace.note_subscriber_wish();
ALTER TABLE millrace.hold ENABLE ALWAYS TRIGGER note_wish;

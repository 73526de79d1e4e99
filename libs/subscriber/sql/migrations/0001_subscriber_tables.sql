-- Schema millrace at a subscriber: where it stands, what it follows, what is kept while a copy is on its way.
-- The same database may be a provider too, so the schema and the table audit may be there already.

-- Where each followed queue stands. Moved in the transaction that moves the data, never otherwise.
CREATE TABLE millrace.position (
    queue       text PRIMARY KEY,
    subscriber  text NOT NULL,
    provider    text NOT NULL,                    -- system identifier of the provider's cluster
    tick        bigint NOT NULL CHECK (tick >= 0),
    fingerprint text NOT NULL CHECK (fingerprint ~ '^[0-9a-f]{32}$'),
    tick_time   timestamptz,                      -- when the provider made that tick
    applied_at  timestamptz,                      -- when we committed it
    batches     bigint NOT NULL DEFAULT 0,        -- applied since registration
    bus_hint    jsonb                             -- where on the bus to begin to read; a hint, no proof
) WITH (fillfactor = 10);

-- What a person wishes of a replay, and a number that changes with every wish.
CREATE TABLE millrace.control (
    queue      text PRIMARY KEY,
    paused     boolean NOT NULL DEFAULT false,
    generation bigint NOT NULL DEFAULT 1          -- grows when paused, subscribed_table or subscribed_sequence change
) WITH (fillfactor = 10);

-- A table this subscriber follows. Rows of a batch for other tables are ignored.
CREATE TABLE millrace.subscribed_table (
    queue        text NOT NULL,
    schema_name  text NOT NULL,
    table_name   text NOT NULL,
    state        text NOT NULL DEFAULT 'registered'
                 CHECK (state IN ('registered', 'copying', 'catching-up', 'ok', 'held')),
    copy_id      bigint,                          -- the copy asked for at the provider; NULL: none
    copy_attempt integer,                         -- the attempt that was begun or loaded
    copy_tick    bigint,                          -- the loaded copy is the table as of this tick
    copied_rows  bigint NOT NULL DEFAULT 0,
    copied_bytes bigint NOT NULL DEFAULT 0,
    error        text,                            -- why its copy does not go on
    changed_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (queue, schema_name, table_name)
);

-- A sequence this subscriber follows.
CREATE TABLE millrace.subscribed_sequence (
    queue         text NOT NULL,
    schema_name   text NOT NULL,
    sequence_name text NOT NULL,
    PRIMARY KEY (queue, schema_name, sequence_name)
);

-- Changes of a table whose copy is not in yet, as they came, in order of id.
CREATE TABLE millrace.pending (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    queue       text NOT NULL,
    schema_name text NOT NULL,
    table_name  text NOT NULL,
    tick        bigint NOT NULL,                  -- the tick that ends their batch
    form        text NOT NULL CHECK (form IN ('insert', 'change', 'truncate')),
    columns     text[] NOT NULL,                  -- NULL element: a generated column
    key         text[] NOT NULL,
    cont        boolean NOT NULL,                 -- goes on in the middle of a record
    lines       bytea NOT NULL,
    n           integer NOT NULL,                 -- records that end in it
    FOREIGN KEY (queue, schema_name, table_name) REFERENCES millrace.subscribed_table ON DELETE CASCADE
);
CREATE INDEX pending_of_table ON millrace.pending (queue, schema_name, table_name, id);
ALTER TABLE millrace.pending ALTER COLUMN lines SET STORAGE EXTERNAL;

-- What the replay says of itself, for those who can reach this database only.
CREATE TABLE millrace.replay_report (
    queue         text PRIMARY KEY,
    state         text NOT NULL CHECK (state IN ('running', 'paused', 'stopped')),
    error_code    text,
    error_message text,
    reported_at   timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 10);

-- Messages that were refused: never applied. The newest hundred of each queue are kept; the body is not.
CREATE TABLE millrace.refused_message (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    queue    text NOT NULL,
    at       timestamptz NOT NULL DEFAULT now(),
    subject  text NOT NULL,
    sequence bigint NOT NULL,                     -- place in the stream
    bytes    bigint NOT NULL,
    reason   text NOT NULL
);
CREATE INDEX refused_message_of_queue ON millrace.refused_message (queue, id);

-- Who asked for what. Shared with a provider in the same database: hence IF NOT EXISTS.
CREATE TABLE IF NOT EXISTS millrace.audit (
    id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at     timestamptz NOT NULL DEFAULT now(),
    who    text NOT NULL DEFAULT session_user,
    what   text NOT NULL,
    detail jsonb NOT NULL DEFAULT '{}'
);

-- Purpose: makes every change of a followed table or sequence visible in control.generation. Trigger function.
-- Touches: millrace.control.
CREATE FUNCTION millrace.note_subscriber_wish() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE millrace.control SET generation = generation + 1
    WHERE queue IN (CASE WHEN TG_OP <> 'DELETE' THEN NEW.queue END, CASE WHEN TG_OP <> 'INSERT' THEN OLD.queue END);
    RETURN NULL;
END $$;

CREATE TRIGGER note_wish AFTER INSERT OR UPDATE OR DELETE ON millrace.subscribed_table
    FOR EACH ROW EXECUTE FUNCTION millrace.note_subscriber_wish();
CREATE TRIGGER note_wish AFTER INSERT OR UPDATE OR DELETE ON millrace.subscribed_sequence
    FOR EACH ROW EXECUTE FUNCTION millrace.note_subscriber_wish();
-- The replay's own sessions run as replica: the triggers must fire there as well.
ALTER TABLE millrace.subscribed_table ENABLE ALWAYS TRIGGER note_wish;
ALTER TABLE millrace.subscribed_sequence ENABLE ALWAYS TRIGGER note_wish;

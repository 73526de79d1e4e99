-- Schema millrace at the provider: the sets (one per queue), their tables and sequences, the subscribers' recorded
-- positions, copy requests, and what services say about themselves. The same schema may hold a subscriber's objects.

-- A set of replicated tables and its queue.
CREATE TABLE millrace.set (
    queue             text PRIMARY KEY,
    queue_id          integer NOT NULL UNIQUE,
    system_identifier text NOT NULL,                    -- of the cluster the set was made on
    created_at        timestamptz NOT NULL DEFAULT now()
);

-- A table of the set. Written by add_table, remove_table, refresh_triggers (sql/triggers).
CREATE TABLE millrace.set_table (
    queue       text NOT NULL REFERENCES millrace.set (queue),
    schema_name text NOT NULL,
    table_name  text NOT NULL,
    relid       oid NOT NULL,
    columns     text[] NOT NULL DEFAULT '{}',           -- columns as the trigger code was generated for
    key_columns text[] NOT NULL DEFAULT '{}',           -- key columns, in index order, likewise
    signature   text,                                   -- what the generated code depends on; differs: regenerate
    added_at    timestamptz NOT NULL DEFAULT now(),
    problem     text,                                   -- why changes of this table may be missing; NULL: fine
    PRIMARY KEY (queue, schema_name, table_name)
);

-- A sequence of the set, and the value that was last put into the queue (NULL: none yet).
CREATE TABLE millrace.set_sequence (
    queue         text NOT NULL REFERENCES millrace.set (queue),
    schema_name   text NOT NULL,
    sequence_name text NOT NULL,
    relid         oid NOT NULL,
    last_value    bigint,
    is_called     boolean,
    added_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (queue, schema_name, sequence_name)
);

-- A subscriber and the newest tick it reported as durably applied. Only moves forward; its PgQ consumer follows it.
CREATE TABLE millrace.subscriber (
    queue       text NOT NULL REFERENCES millrace.set (queue),
    name        text NOT NULL CHECK (name <> ''),
    consumer    text NOT NULL,
    tick        bigint NOT NULL,
    fingerprint text NOT NULL,
    reported_at timestamptz,
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (queue, name)
) WITH (fillfactor = 50);

-- A wish for a copy of a table, and its course. Asked for by admin, done by capture.
CREATE TABLE millrace.copy_request (
    copy_id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    queue        text NOT NULL REFERENCES millrace.set (queue),
    schema_name  text NOT NULL,
    table_name   text NOT NULL,
    subscribers  text[] NOT NULL,
    state        text NOT NULL DEFAULT 'wanted' CHECK (state IN ('wanted', 'copying', 'done', 'cancelled')),
    attempt      integer NOT NULL DEFAULT 0,
    tick         bigint,                                -- the copy is the table exactly as of this tick
    fingerprint  text,
    rows         bigint,
    bytes        bigint,
    requested_at timestamptz NOT NULL DEFAULT now(),
    changed_at   timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50);
CREATE INDEX copy_request_open ON millrace.copy_request (queue, copy_id) WHERE state IN ('wanted', 'copying');

-- What the leading instance of a provider-side service last said about itself.
CREATE TABLE millrace.service_report (
    queue         text NOT NULL,
    service       text NOT NULL,
    instance      text NOT NULL,
    state         text NOT NULL,
    error_code    text,
    error_message text,
    reported_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (queue, service)
) WITH (fillfactor = 50);

-- Who asked for what. Shared with a subscriber in the same database: hence IF NOT EXISTS.
CREATE TABLE IF NOT EXISTS millrace.audit (
    id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at     timestamptz NOT NULL DEFAULT now(),
    who    text NOT NULL DEFAULT session_user,
    what   text NOT NULL,
    detail jsonb NOT NULL DEFAULT '{}'
);

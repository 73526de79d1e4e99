-- What the last comparison of a table at a subscriber found. Written by admin.
CREATE TABLE millrace.comparison (
    queue           text NOT NULL,
    subscriber      text NOT NULL,
    schema_name     text NOT NULL,
    table_name      text NOT NULL,
    state           text NOT NULL CHECK (state IN ('equal', 'different', 'not-compared')),
    reason          text,                               -- why it was not compared
    tick            bigint,                             -- both sides as of this tick
    provider_rows   bigint,
    subscriber_rows bigint,
    missing         bigint,                             -- rows that only the provider has
    extra           bigint,                             -- rows that only the subscriber has
    different       bigint,                             -- rows that both have, not the same
    compared_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (queue, subscriber, schema_name, table_name),
    FOREIGN KEY (queue, subscriber) REFERENCES millrace.subscriber (queue, name) ON DELETE CASCADE,
    FOREIGN KEY (queue, schema_name, table_name) REFERENCES millrace.set_table (queue, schema_name, table_name) ON DELETE CASCADE
) WITH (fillfactor = 50);

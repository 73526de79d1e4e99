-- Schema pgq_ext: what consumers have done, kept in the database they write to, in the transaction that does it. Names and
-- columns of the PgQ contract. subconsumer_id is '' for a consumer without subconsumers.
CREATE SCHEMA pgq_ext;

-- The last tick a consumer has applied.
CREATE TABLE pgq_ext.completed_tick (
    consumer_id    text NOT NULL,
    subconsumer_id text NOT NULL,
    last_tick_id   bigint NOT NULL,
    PRIMARY KEY (consumer_id, subconsumer_id)
);

-- The last batch a consumer has applied.
CREATE TABLE pgq_ext.completed_batch (
    consumer_id    text NOT NULL,
    subconsumer_id text NOT NULL,
    last_batch_id  bigint NOT NULL,
    PRIMARY KEY (consumer_id, subconsumer_id)
);

-- Events of the batch that a consumer is in, one by one.
CREATE TABLE pgq_ext.completed_event (
    consumer_id    text NOT NULL,
    subconsumer_id text NOT NULL,
    batch_id       bigint NOT NULL,
    event_id       bigint NOT NULL,
    PRIMARY KEY (consumer_id, subconsumer_id, batch_id, event_id)
);

-- The batch that those events are of.
CREATE TABLE pgq_ext.partial_batch (
    consumer_id    text NOT NULL,
    subconsumer_id text NOT NULL,
    cur_batch_id   bigint NOT NULL,
    PRIMARY KEY (consumer_id, subconsumer_id)
);

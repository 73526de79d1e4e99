-- Schema pgq: queues, ticks, subscriptions, event tables, retry queue (names and columns of the PgQ contract).
-- Left alone when the server has the real pgq extension: the installer then skips every file named *_pgq_*.

CREATE SCHEMA pgq;

-- A consumer's name, once per database.
CREATE TABLE pgq.consumer (
    co_id   serial PRIMARY KEY,
    co_name text NOT NULL UNIQUE
);

-- One queue.
CREATE TABLE pgq.queue (
    queue_id                 serial PRIMARY KEY,
    queue_name               text NOT NULL UNIQUE,
    queue_ntables            integer NOT NULL DEFAULT 3,          -- event tables; read at creation only
    queue_cur_table          integer NOT NULL DEFAULT 0,          -- the event table now written
    queue_rotation_period    interval DEFAULT '2 hours',          -- NULL: never rotate
    queue_switch_step1       bigint NOT NULL DEFAULT txid_current(), -- transaction of the last switch
    queue_switch_step2       bigint DEFAULT txid_current(),       -- a later transaction that recorded it; NULL: half done
    queue_switch_time        timestamptz NOT NULL DEFAULT now(),
    queue_external_ticker    boolean NOT NULL DEFAULT false,      -- ticks come from elsewhere
    queue_disable_insert     boolean NOT NULL DEFAULT false,      -- refused unless session_replication_role is replica
    queue_ticker_paused      boolean NOT NULL DEFAULT false,
    queue_ticker_max_count   integer NOT NULL DEFAULT 500,        -- tick after this many new events ...
    queue_ticker_max_lag     interval NOT NULL DEFAULT '3 seconds', -- ... or when the last tick is this old and there are some
    queue_ticker_idle_period interval NOT NULL DEFAULT '1 minute',  -- longest gap between ticks without events
    queue_per_tx_limit       integer,                             -- kept for compatibility
    queue_data_pfx           text NOT NULL,                       -- pgq.event_7
    queue_event_seq          text NOT NULL,                       -- pgq.event_7_id_seq
    queue_tick_seq           text NOT NULL,                       -- pgq.event_7_tick_seq
    queue_extra_maint        text[]                               -- functions f(queue) for the maintenance list
);

-- A tick: a number for a snapshot. A batch is what is visible in one tick's snapshot and not in the previous one's.
CREATE TABLE pgq.tick (
    tick_queue     integer NOT NULL REFERENCES pgq.queue (queue_id),
    tick_id        bigint NOT NULL,
    tick_time      timestamptz NOT NULL DEFAULT now(),
    tick_snapshot  txid_snapshot NOT NULL DEFAULT txid_current_snapshot(),
    tick_event_seq bigint NOT NULL,                                -- event sequence just before the snapshot: a hint, no proof
    PRIMARY KEY (tick_queue, tick_id)
);

-- Batch numbers of all queues.
CREATE SEQUENCE pgq.batch_id_seq;

-- A consumer's position on a queue, and its open batch if it has one. sub_id may be shared by subconsumers.
CREATE TABLE pgq.subscription (
    sub_id        serial NOT NULL,
    sub_queue     integer NOT NULL REFERENCES pgq.queue (queue_id),
    sub_consumer  integer NOT NULL REFERENCES pgq.consumer (co_id),
    sub_last_tick bigint,
    sub_active    timestamptz NOT NULL DEFAULT now(),
    sub_batch     bigint UNIQUE,
    sub_next_tick bigint,
    PRIMARY KEY (sub_queue, sub_consumer)
) WITH (fillfactor = 50);

-- Parent of every event table. Never holds a row. ev_txid is the top-level transaction, 64 bits (never xmin).
CREATE TABLE pgq.event_template (
    ev_id     bigint NOT NULL,
    ev_time   timestamptz NOT NULL,
    ev_txid   bigint NOT NULL DEFAULT txid_current(),
    ev_owner  integer,                                             -- sub_id for a retried event, else NULL
    ev_retry  integer,                                             -- NULL first time, then 1, 2, ...
    ev_type   text,
    ev_data   text,
    ev_extra1 text,
    ev_extra2 text,
    ev_extra3 text,
    ev_extra4 text
);

-- Events waiting to be put into the queue again, for one subscription each.
CREATE TABLE pgq.retry_queue (
    ev_retry_after timestamptz NOT NULL,
    ev_queue       integer NOT NULL REFERENCES pgq.queue (queue_id),
    LIKE pgq.event_template INCLUDING ALL,
    PRIMARY KEY (ev_owner, ev_id)
);
ALTER TABLE pgq.retry_queue ALTER COLUMN ev_owner SET NOT NULL;
ALTER TABLE pgq.retry_queue ALTER COLUMN ev_txid DROP NOT NULL;
ALTER TABLE pgq.retry_queue ALTER COLUMN ev_txid DROP DEFAULT;
CREATE INDEX retry_queue_after ON pgq.retry_queue (ev_retry_after);

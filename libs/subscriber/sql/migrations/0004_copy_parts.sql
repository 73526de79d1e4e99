-- What of a copy is loaded beside its table, in stages millrace.copy_ID_QUEUE. The stages are unlogged, and so is this table: after
-- a crash of the server both are empty, never one of them alone.
CREATE UNLOGGED TABLE millrace.copy_part (
    queue      text NOT NULL,
    copy_id    bigint NOT NULL,
    attempt    integer NOT NULL,
    chunks     integer[] NOT NULL,                -- written in the transaction that loaded these
    rows       bigint NOT NULL,
    bytes      bigint NOT NULL,
    columns    text[] NOT NULL,
    tick       bigint NOT NULL,                   -- the copy is the table as of this tick
    whole_rows bigint                             -- with the last chunk: rows of the whole copy
);
CREATE INDEX copy_part_of_copy ON millrace.copy_part (queue, copy_id);

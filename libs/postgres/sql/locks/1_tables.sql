-- Locks that only roles of Millrace can hold, in a database of a provider, a subscriber or both. An advisory lock alone would not do: every
-- role that may connect can take any of them.

-- Session locks: the advisory key of each. It changes when somebody else holds it: millrace.request_lock.
CREATE TABLE IF NOT EXISTS millrace.session_lock (
    name text PRIMARY KEY,
    key  bigint NOT NULL
);

-- Locks of a transaction: the lock of the row. Nobody else may lock it, for that needs a right to write to the table.
CREATE TABLE IF NOT EXISTS millrace.row_lock (
    name text PRIMARY KEY
);
-- Made here, not at the first use: whoever needs it then would wait for the transaction that makes it.
INSERT INTO millrace.row_lock (name) VALUES ('queues'), ('sets') ON CONFLICT DO NOTHING;

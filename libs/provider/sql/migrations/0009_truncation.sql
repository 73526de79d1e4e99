-- Registered partitioned tables that a TRUNCATE is emptying, by transaction: partitions emptied with them log nothing. Written by the
-- capture functions alone. Before, a setting of the session said so, which anybody can set.
CREATE TABLE millrace.truncation (
    txid bigint NOT NULL,
    root oid NOT NULL,
    PRIMARY KEY (txid, root)
);

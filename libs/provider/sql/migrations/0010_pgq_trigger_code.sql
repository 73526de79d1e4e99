-- What the payload triggers execute (pgq.trigger_statement) stood in settings of the session, which anybody may write. Only the
-- owner reads and writes this table. It is a cache: unlogged, and without a unique key, so that no writer ever waits for
-- another one; two rows for one trigger hold the same.
CREATE UNLOGGED TABLE pgq.trigger_code (
    relation  oid  NOT NULL,
    trigger   name NOT NULL,
    operation text NOT NULL,
    kind      text NOT NULL,
    signature text NOT NULL,
    code      text NOT NULL
) WITH (toast_tuple_target = 8160);
CREATE INDEX trigger_code_idx ON pgq.trigger_code (relation, trigger, operation);
REVOKE ALL ON pgq.trigger_code FROM PUBLIC;

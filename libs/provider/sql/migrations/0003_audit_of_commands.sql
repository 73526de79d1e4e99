-- The audit also holds each command that was given: a line is written when it begins and completed when it ends. Lines of
-- the schema's own functions have no actor. The table may have been made by a subscriber's part, or by an earlier installation.
ALTER TABLE millrace.audit
    ADD COLUMN IF NOT EXISTS queue     text,
    ADD COLUMN IF NOT EXISTS actor     text,            -- who gave the command: user@host, or who asked over HTTP
    ADD COLUMN IF NOT EXISTS arguments text,            -- as typed, without secrets
    ADD COLUMN IF NOT EXISTS outcome   text,            -- done, or failed; NULL: not ended, or its end was not seen
    ADD COLUMN IF NOT EXISTS error     text,            -- code of the error it failed with
    ADD COLUMN IF NOT EXISTS ended_at  timestamptz;
CREATE INDEX IF NOT EXISTS audit_commands ON millrace.audit (queue, id) WHERE actor IS NOT NULL;

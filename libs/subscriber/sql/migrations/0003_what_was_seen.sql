-- Which of the provider's transactions the position's tick saw, for those who wait for their own changes. NULL until the
-- first batch that tells it. What was seen at an earlier tick is still true at a later one.
ALTER TABLE millrace.position
    ADD COLUMN seen_snapshot text,                -- xmin:xmax:xip
    ADD COLUMN seen_timeline integer;             -- the provider's history in which these are meant
-- Whoever may connect may wait for a token; the tables stay closed.
GRANT USAGE ON SCHEMA millrace TO PUBLIC;

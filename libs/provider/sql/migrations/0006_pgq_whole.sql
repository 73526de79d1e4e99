-- The rest of PgQ's contract. Two functions are made anew with the argument names that callers by name use; a replacement
-- cannot rename them. Schema pgq_coop has functions only: subconsumers are rows of pgq.subscription.
DROP FUNCTION IF EXISTS pgq.register_consumer(text, text);
DROP FUNCTION IF EXISTS pgq.grant_perms(text);
CREATE SCHEMA pgq_coop;

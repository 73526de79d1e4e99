-- millrace.wait_for(token, timeout, tables)
-- Purpose:    waits until this subscriber shows everything that a token of millrace.token() stands for, in every queue of
--             the token that is followed here. To be called as a statement of its own, before the one that reads: a
--             statement sees nothing that was committed after it began. Looks every 2 ms at first, later every 50 ms.
-- Parameters: timeout - 0 just looks; tables - those that will be read; NULL: all that the queues carry. A table that is
--             being copied is not complete: naming the tables one reads keeps others out of it.
-- Returns:    true: it is all here. false: not within the timeout; a NOTICE says which queue lacks what.
-- Errors:     not a token, or an argument is NULL (22023); nothing of it is followed here (MR001); a transaction that sees
--             nothing new (MR003); the token is of another provider, or of one that was promoted or restored (MR004).
-- Tables:     as token_parts, token_lack.
CREATE OR REPLACE FUNCTION millrace.wait_for(token text, timeout interval DEFAULT '10 seconds', tables regclass[] DEFAULT NULL)
RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_until timestamptz := clock_timestamp() + timeout;
    v_parts jsonb;
    v_lack  text;
    v_left  float8;
    v_pause float8 := 0.002;
BEGIN
    IF token IS NULL OR timeout IS NULL THEN
        RAISE EXCEPTION 'millrace.wait_for needs a token and a timeout' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    v_parts := millrace.token_parts(token, tables);
    LOOP
        SELECT string_agg(l, '; ') INTO v_lack FROM jsonb_array_elements(v_parts) AS part, millrace.token_lack(part, tables) AS l;
        IF v_lack IS NULL THEN
            RETURN true;
        ELSIF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
            RAISE EXCEPTION 'this % transaction began before the token was applied and will not see it', upper(current_setting('transaction_isolation'))
                USING ERRCODE = 'MR003', HINT = 'wait before BEGIN, or in a READ COMMITTED transaction';
        END IF;
        v_left := extract(epoch FROM v_until - clock_timestamp());
        IF v_left <= 0 THEN
            RAISE NOTICE 'not applied within %: %', timeout, v_lack;
            RETURN false;
        END IF;
        PERFORM pg_sleep(least(v_pause, v_left));
        v_pause := least(v_pause * 1.5, 0.05);
    END LOOP;
END $$;

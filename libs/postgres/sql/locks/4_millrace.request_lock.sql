-- millrace.request_lock(name)
-- Purpose:    takes a lock that the session then holds until it ends, or says who holds it; never waits for a holder. It is an advisory
--             lock whose key stands in millrace.session_lock. Every role may take an advisory lock, and pg_locks shows everybody its
--             key: where a role holds it that may not (millrace.may_hold_lock), the lock gets another key, under the lock of its row,
--             so that no two sessions of ours hold one lock by two keys. The audit names the role.
-- Parameters: i_name - kind:detail, as ticker:main.
-- Returns:    won - this session holds it, or held it already; holder_* - who holds it otherwise (NULL: it was released meanwhile).
-- Errors:     the role may not hold it (42501).
-- Tables:     millrace.session_lock (write), millrace.audit (insert).
CREATE OR REPLACE FUNCTION millrace.request_lock(
    IN i_name text, OUT won boolean, OUT holder_pid integer, OUT holder_role text, OUT holder_application text) RETURNS record
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_key     bigint;
    v_current bigint;
    v_holder  record;
BEGIN
    IF NOT millrace.may_hold_lock(i_name, (SELECT r.oid FROM pg_roles r WHERE r.rolname = session_user)) THEN
        RAISE EXCEPTION 'role % may not hold the lock %', session_user, i_name USING ERRCODE = 'insufficient_privilege';
    END IF;
    SELECT l.key INTO v_key FROM millrace.session_lock l WHERE l.name = i_name;
    IF NOT FOUND THEN
        -- The key of versions that had no table of keys, so that theirs and this one exclude each other.
        v_key := hashtextextended('millrace:' || i_name, 7717);
        INSERT INTO millrace.session_lock (name, key) VALUES (i_name, v_key) ON CONFLICT DO NOTHING;
    END IF;
    won := pg_try_advisory_lock(v_key);
    IF NOT won THEN
        SELECT * INTO v_holder FROM millrace.lock_holder(v_key);
        holder_pid := v_holder.pid;
        holder_role := v_holder.role;
        holder_application := v_holder.application;
        IF NOT v_holder.held OR millrace.may_hold_lock(i_name, v_holder.role_id) THEN
            RETURN;
        END IF;
    END IF;

    SELECT l.key INTO v_current FROM millrace.session_lock l WHERE l.name = i_name FOR UPDATE;
    IF won AND v_current = v_key THEN
        RETURN;
    ELSIF won THEN
        PERFORM pg_advisory_unlock(v_key);  -- another session gave the lock a new key meanwhile
        won := false;
        RETURN;
    END IF;
    SELECT * INTO v_holder FROM millrace.lock_holder(v_key);
    IF v_current <> v_key OR NOT v_holder.held OR millrace.may_hold_lock(i_name, v_holder.role_id) THEN
        RETURN;
    END IF;
    v_key := ('x' || left(replace(gen_random_uuid()::text, '-', ''), 16))::bit(64)::bigint;
    UPDATE millrace.session_lock l SET key = v_key WHERE l.name = i_name;
    INSERT INTO millrace.audit (who, what, detail)
    VALUES (session_user, 'replace lock', jsonb_build_object('lock', i_name, 'held_by', v_holder.role, 'pid', v_holder.pid));
    won := pg_try_advisory_lock(v_key);
END $$;
REVOKE ALL ON FUNCTION millrace.request_lock(text) FROM PUBLIC;
COMMENT ON FUNCTION millrace.request_lock(text) IS 'Millrace locks';

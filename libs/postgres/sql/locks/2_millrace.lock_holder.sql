-- millrace.lock_holder(key)
-- Purpose:    who holds an advisory lock of this database with a key of 64 bits.
-- Returns:    one row. held - somebody does; pid and what follows are NULL where it is a prepared transaction.
-- Tables:     none but pg_locks, pg_stat_activity.
CREATE OR REPLACE FUNCTION millrace.lock_holder(
    IN i_key bigint, OUT held boolean, OUT pid integer, OUT role_id oid, OUT role text, OUT application text) RETURNS record
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
    SELECT count(f.*) > 0, min(f.pid), min(f.usesysid::text)::oid, min(f.usename::text), min(f.application_name)
    FROM (SELECT l.locktype, l.pid, a.usesysid, a.usename, a.application_name
          FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid
          WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
            AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
            AND l.classid = ((i_key >> 32) & 4294967295)::oid AND l.objid = (i_key & 4294967295)::oid
          LIMIT 1) AS f
$$;
REVOKE ALL ON FUNCTION millrace.lock_holder(bigint) FROM PUBLIC;
COMMENT ON FUNCTION millrace.lock_holder(bigint) IS 'Millrace locks';

-- millrace.sequences_moved(queue)
-- Purpose:    whether a sequence of the set has another value than was last put into the queue. Does not wait for a
--             sequence that somebody alters: a migration must not hold up the ticks. Then: false.
-- Returns:    boolean. One that may not be read counts as unmoved; one that was never used and is set without being called is not noticed (see publish_sequences).
-- Tables:     millrace.set_sequence, the sequences (read).
CREATE OR REPLACE FUNCTION millrace.sequences_moved(i_queue text) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET lock_timeout = '20ms' AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM millrace.set_sequence s LEFT JOIN pg_class c ON c.oid = s.relid AND c.relkind = 'S'
        WHERE s.queue = i_queue AND CASE
            WHEN c.oid IS NULL THEN EXISTS (
                SELECT FROM pg_class a JOIN pg_namespace n ON n.oid = a.relnamespace
                WHERE n.nspname = s.schema_name AND a.relname = s.sequence_name
                  AND CASE WHEN a.relkind = 'S' THEN has_sequence_privilege(a.oid, 'SELECT') END)
            -- One that may not be read any more is left out; the doctor reports it.
            WHEN NOT has_sequence_privilege(c.oid, 'SELECT') THEN false
            ELSE s.is_called IS NULL
                 OR pg_sequence_last_value(c.oid) IS DISTINCT FROM CASE WHEN s.is_called THEN s.last_value END
        END);
EXCEPTION WHEN lock_not_available OR undefined_table THEN
    RETURN false;
END $$;

-- pgq.trigger_statement(kind, relation, trigger, op, when, args)
-- Purpose:    what pgq.trigger_plan makes for a payload trigger, kept in a table as long as the trigger, the table's columns
--             and its key stay: making it takes longer than running it. Called at every row; nothing a session can write
--             (a setting, a temporary table) is ever executed.
--             Rows of earlier states go when a new one is written; one that another transaction is busy with stays.
-- Parameters: as pgq.trigger_plan; i_kind - also letters: the arguments are those of pgq.logtriga; i_trigger - its name.
-- Returns:    as pgq.trigger_plan.
-- Errors:     as pgq.trigger_plan and pgq.letter_options.
-- Tables:     pgq.trigger_code (read, write), pg_trigger (read), as pgq.trigger_plan.
CREATE OR REPLACE FUNCTION pgq.trigger_statement(i_kind text, i_relation oid, i_trigger name, i_op text, i_when text, i_args text[]) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_signature text := concat_ws(' ', i_when, i_args, pgq.table_shape(i_relation));
    v_code      text;
BEGIN
    SELECT c.code INTO v_code FROM pgq.trigger_code c
    WHERE c.relation = i_relation AND c.trigger = i_trigger AND c.operation = i_op AND c.kind = i_kind AND c.signature = v_signature LIMIT 1;
    IF FOUND THEN
        RETURN v_code;
    END IF;
    v_code := CASE i_kind WHEN 'letters' THEN pgq.trigger_plan('sql', i_relation, i_op, i_when, pgq.letter_options(i_relation, i_args[0], i_args[1]))
                          ELSE pgq.trigger_plan(i_kind, i_relation, i_op, i_when, i_args) END;
    -- Anybody who may write events may call this function: only triggers that exist have a row.
    IF current_setting('transaction_read_only') = 'off' AND EXISTS (
        SELECT FROM pg_trigger t WHERE t.tgrelid = i_relation AND t.tgname = i_trigger AND pgq.trigger_arguments(t.oid) = i_args) THEN
        IF current_setting('transaction_isolation') = 'read committed' THEN
            DELETE FROM pgq.trigger_code c USING (
                SELECT o.ctid AS place FROM pgq.trigger_code o
                WHERE (o.relation = i_relation AND o.trigger = i_trigger AND o.operation = i_op AND o.kind = i_kind)
                   OR NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = o.relation AND t.tgname = o.trigger)
                FOR UPDATE OF o SKIP LOCKED) AS old
            WHERE c.ctid = old.place;
        END IF;
        INSERT INTO pgq.trigger_code VALUES (i_relation, i_trigger, i_op, i_kind, v_signature, v_code);
    END IF;
    RETURN v_code;
END $$;

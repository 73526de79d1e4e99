-- millrace.capture_source(queue_id, rel, root, op, registered, shape)
-- Purpose:    the source of one capture function for INSERT, UPDATE or DELETE.
--             Nesting: a statement's own trigger runs after those of statements that its triggers and functions ran, so
--             its transition rows may be older than what is already logged. A setting of the transaction, one per
--             registered table, remembers the client message (statement_timestamp()) in which the table was last captured;
--             the first capture in a message logs transition rows, every later one the rows as they are now. Whatever the
--             order, the last line logged for a key is then the truth; at worst a harmless repetition. A rolled back
--             savepoint takes back events and setting together.
--             Four ways, from quick to slow: one row (capture_quick); any rows in the shape the code was made for
--             (capture_static); nested, few rows, nothing altered (capture_nested); everything else (capture_steps).
-- Parameters: as millrace.capture_quick.
-- Returns:    a PL/pgSQL body.
-- Tables:     as millrace.capture_quick.
CREATE OR REPLACE FUNCTION millrace.capture_source(i_queue_id integer, i_rel oid, i_root oid, i_op text, i_registered text, i_shape text)
RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_flag   text := format('millrace.captured_%s_%s', i_queue_id, i_root);
    v_side   text := CASE i_op WHEN 'D' THEN 'mr_old' ELSE 'mr_new' END;
    v_quick  text := millrace.capture_quick(i_queue_id, i_rel, i_root, i_op, i_registered, i_shape);
    v_static text := millrace.capture_static(i_queue_id, i_rel, i_op, i_registered, i_shape);
    v_parts  text[];
BEGIN
    v_parts := ARRAY[
        format($source$
<<mr>>
DECLARE
    message text := encode(timestamptz_send(statement_timestamp()), 'hex');
    nested  boolean;
    known   record;
    step    record;
    line    text;
    lines   text[];
    bytes   integer;
    moved   boolean;
    saved   text[];
BEGIN
    IF current_setting(%L, true) = message THEN
        nested := true;$source$, v_flag),
        v_quick,
        format($source$
    END IF;
    IF FOUND THEN
        message := set_config(%L, message, true);
        RETURN NULL;
    END IF;$source$, v_flag),
        format($source$
    SELECT millrace.capture_shape(%1$s, %2$s) AS shape, millrace.capture_columns(%1$s) AS columns, millrace.capture_key(%2$s) AS key,
           millrace.capture_name(%2$s) AS name, EXISTS (SELECT FROM %3$s OFFSET 1000) AS many
    INTO known FROM %3$s LIMIT 1;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    message := set_config(%4$L, message, true);
    $source$, i_rel, i_root, v_side, v_flag),
        millrace.capture_nested(i_queue_id, i_rel, i_root, i_op, i_registered, i_shape),
        -- An update of many rows is planned anew: comparing its keys must suit their number.
        format('IF nested IS NOT TRUE AND known.shape = %L %s THEN%s
    ELSE', i_shape, CASE i_op WHEN 'U' THEN 'AND NOT known.many' ELSE '' END, v_static),
        format($source$
        moved := false;
        FOR step IN SELECT s.* FROM millrace.capture_steps(%s, %s, %L, nested IS TRUE, %L, known.shape, known.columns, known.key) AS s LOOP
            saved := step.saved;
            CONTINUE WHEN step.if_moved <> moved;$source$, i_rel, i_root, i_op, substring(i_shape FROM 'pins=(.*)')),
        millrace.capture_loop(i_queue_id, i_registered, 'step.type', 'step.columns', 'step.key', 'EXECUTE step.query'),
        $source$
            moved := moved OR (step.type = 'D' AND bytes > 0);
        END LOOP;
        IF saved IS NOT NULL THEN
            PERFORM millrace.restore_settings(saved);
        END IF;
    END IF;
    RETURN NULL;
END $source$];
    IF v_static IS NULL THEN
        v_parts[6] := 'IF true THEN';
    END IF;
    RETURN array_to_string(v_parts, '');
END $$;

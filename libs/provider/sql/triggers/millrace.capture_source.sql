-- millrace.capture_source(queue_id, rel, root, op, registered, shape)
-- Purpose:    the source of one capture function for INSERT, UPDATE or DELETE.
--             Nesting: a statement's own trigger runs after those of statements that its triggers and functions ran, so
--             its transition rows may be older than what is already logged. A setting of the transaction, one per
--             registered table, remembers the client message (statement_timestamp()) in which the table was last captured;
--             the first capture in a message logs transition rows, every later one the rows as they are now. Whatever the
--             order, the last line logged for a key is then the truth; at worst a harmless repetition. A rolled back
--             savepoint takes back events and setting together.
-- Parameters: as millrace.capture_quick.
-- Returns:    a PL/pgSQL body.
-- Tables:     as millrace.capture_quick.
CREATE OR REPLACE FUNCTION millrace.capture_source(i_queue_id integer, i_rel oid, i_root oid, i_op text, i_registered text, i_shape text)
RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_flag  text := format('millrace.captured_%s_%s', i_queue_id, i_root);
    v_quick text := millrace.capture_quick(i_queue_id, i_rel, i_root, i_op, i_registered, i_shape);
BEGIN
    RETURN format($source$
<<mr>>
DECLARE
    message text := ((date_part('epoch', statement_timestamp()) * 1e6)::int8)::text;
    nested  boolean := false;
BEGIN
    IF current_setting(%1$L, true) = message THEN
        nested := true;
    %2$s
    END IF;
    PERFORM FROM %3$s LIMIT 1;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    message := set_config(%1$L, message, true);
    DECLARE
        step  record;
        line  text;
        lines text[];
        bytes integer;
        any_lines boolean := false;
        settings text[];
    BEGIN
        FOR step IN SELECT s.* FROM millrace.capture_steps(%4$s, %5$s, %6$L, nested, %7$L) AS s LOOP
            settings := step.saved;
            CONTINUE WHEN step.only_after AND NOT any_lines;
            lines := '{}';
            bytes := 0;
            FOR line IN EXECUTE step.query LOOP
                -- 500 for a line's own cost: an event ends at 1 MB or 2000 lines.
                bytes := bytes + octet_length(line) + 500;
                IF bytes > 1000000 AND cardinality(lines) > 0 THEN
                    PERFORM millrace.put_capture(%8$s, step.type, %9$L, step.columns, step.key, lines);
                    lines := '{}';
                    bytes := octet_length(line) + 500;
                END IF;
                lines := lines || line;
            END LOOP;
            IF bytes > 0 THEN
                PERFORM millrace.put_capture(%8$s, step.type, %9$L, step.columns, step.key, lines);
                any_lines := any_lines OR step.type = 'D';
            END IF;
        END LOOP;
        IF settings IS NOT NULL THEN
            PERFORM millrace.restore_settings(settings);
        END IF;
    END;
    RETURN NULL;
END $source$,
        v_flag,
        coalesce(format($quick$ELSE
    %s
        IF FOUND THEN
            message := set_config(%L, message, true);
            RETURN NULL;
        END IF;$quick$, v_quick, v_flag), ''),
        CASE i_op WHEN 'D' THEN 'mr_old' ELSE 'mr_new' END,
        i_rel, i_root, i_op, substring(i_shape FROM 'pins=(.*)'), i_queue_id, i_registered);
END $$;

-- millrace.capture_truncate_source(queue_id, rel, root, registered)
-- Purpose:    the source of a capture function for TRUNCATE. The registered table logs one event T, after it, and then the
--             rows that other AFTER TRUNCATE triggers may have put in meanwhile (X; nearly always none). A partition that
--             is truncated alone cannot say so of its root: before it, the keys of its rows are logged as deleted. When
--             its root is truncated, whose BEFORE trigger runs first, it stays silent.
-- Parameters: as millrace.capture_quick.
-- Returns:    a PL/pgSQL body.
-- Tables:     none.
CREATE OR REPLACE FUNCTION millrace.capture_truncate_source(i_queue_id integer, i_rel oid, i_root oid, i_registered text) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN format($source$
<<mr>>
DECLARE
    step  record;
    line  text;
    lines text[];
    bytes integer;
    settings text[];
BEGIN
    IF tg_when = 'BEFORE' AND tg_relid = %1$s THEN
        PERFORM set_config(%2$L, 'now', true);
        RETURN NULL;
    END IF;
    IF tg_when = 'BEFORE' AND current_setting(%2$L, true) = 'now' THEN
        RETURN NULL;
    END IF;
    IF tg_when = 'AFTER' THEN
        PERFORM set_config(%2$L, '', true);
        PERFORM millrace.put_capture(%3$s, 'T', %4$L, '[]', '[]', '{}');
    END IF;
    FOR step IN SELECT s.* FROM millrace.capture_whole_steps(tg_relid, %1$s, tg_when = 'BEFORE') AS s LOOP
        settings := step.saved;
        lines := '{}';
        bytes := 0;
        FOR line IN EXECUTE step.query LOOP
            bytes := bytes + octet_length(line) + 500;
            IF bytes > 1000000 AND cardinality(lines) > 0 THEN
                PERFORM millrace.put_capture(%3$s, step.type, %4$L, step.columns, step.key, lines);
                lines := '{}';
                bytes := octet_length(line) + 500;
            END IF;
            lines := lines || line;
        END LOOP;
        IF bytes > 0 THEN
            PERFORM millrace.put_capture(%3$s, step.type, %4$L, step.columns, step.key, lines);
        END IF;
    END LOOP;
    IF settings IS NOT NULL THEN
        PERFORM millrace.restore_settings(settings);
    END IF;
    RETURN NULL;
END $source$, i_root, format('millrace.truncated_%s_%s', i_queue_id, i_root), i_queue_id, i_registered);
END $$;

-- millrace.capture_<queue id>_<root>_<table>_t() and .._b(): the functions of the AFTER and BEFORE TRUNCATE triggers of one table.
-- The registered table logs one event T, after it, and then the rows that other AFTER TRUNCATE triggers may have inserted
-- meanwhile (X; nearly always none). A partition that is truncated alone cannot log that for its root: before it, the keys of
-- its rows are logged as deleted. When its root is truncated, whose BEFORE trigger runs first and says so in millrace.truncation, it
-- logs nothing. Not in a setting: those belong to whoever truncates.
CREATE OR REPLACE FUNCTION millrace.{{"function"}}() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
--each settings
SET {{name}} = {{'value'}}
--end settings
AS $body$
<<mr>>
DECLARE
    step  record;
    line  text;
    lines text[];
    bytes integer;
    settings text[];
BEGIN
    IF tg_when = 'BEFORE' AND tg_relid = {{root}} THEN
        INSERT INTO millrace.truncation VALUES (txid_current(), {{root}}) ON CONFLICT DO NOTHING;
        RETURN NULL;
    END IF;
    IF tg_when = 'BEFORE' AND EXISTS (SELECT FROM millrace.truncation WHERE txid = txid_current() AND root = {{root}}) THEN
        RETURN NULL;
    END IF;
    IF tg_when = 'AFTER' THEN
        DELETE FROM millrace.truncation WHERE txid = txid_current() AND root = {{root}};
        PERFORM millrace.put_capture({{queue_id}}, 'T', {{'registered'}}, '[]', '[]', '{}');
    END IF;
    FOR step IN SELECT s.* FROM millrace.capture_whole_steps(tg_relid, {{root}}, tg_when = 'BEFORE') AS s LOOP
        settings := step.saved;
        --use log_rows type = step.type; columns = step.columns; key = step.key; query = EXECUTE step.query
    END LOOP;
    IF settings IS NOT NULL THEN
        PERFORM millrace.restore_settings(settings);
    END IF;
    RETURN NULL;
END $body$;
--use seal

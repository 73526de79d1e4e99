-- millrace.capture_<queue id>_<root>_<table>_d(): the function of the AFTER DELETE trigger of one table.
-- README.md of triggers/ explains its four ways and the values; millrace.capture_values gives them.
CREATE OR REPLACE FUNCTION millrace.{{"function"}}() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
--each settings
SET {{name}} = {{'value'}}
--end settings
AS $body$
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
    IF current_setting({{'flag'}}, true) = message THEN
        nested := true;
--each event_tables
    ELSIF millrace.current_table_{{queue_id}}() = {{number}} THEN
        INSERT INTO {{event_table}} (ev_time, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4)
        SELECT now(), 'D', ROW('D', {{old_key}}, NULL)::text, {{'registered'}}, millrace.capture_key({{root}}), millrace.capture_key({{root}}), '1'
        FROM {{old_rows}}
        WHERE NOT EXISTS (SELECT FROM mr_old OFFSET 1) AND millrace.capture_shape({{rel}}, {{root}}) = {{'shape'}};
--end event_tables
    END IF;
    IF FOUND THEN
        message := set_config({{'flag'}}, message, true);
        RETURN NULL;
    END IF;
    SELECT millrace.capture_shape({{rel}}, {{root}}) AS shape, millrace.capture_columns({{rel}}) AS columns, millrace.capture_key({{root}}) AS key,
           millrace.capture_name({{root}}) AS name, EXISTS (SELECT FROM mr_old OFFSET 1000) AS many
    INTO known FROM mr_old LIMIT 1;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    message := set_config({{'flag'}}, message, true);
--if nested_plans
    IF nested AND known.shape = {{'shape'}} AND NOT known.many AND known.name = {{'known_name'}} AND known.columns = {{'known_columns'}} AND known.key = {{'known_key'}} AND NOT row_security_active({{root}}::oid) THEN
        -- A plan made while the table is small would read all of it for ever after.
        message := set_config('millrace.seqscan', current_setting('enable_seqscan'), true);
        message := set_config('enable_seqscan', 'off', true);
        --use log_rows type = 'X'; columns = known.key; key = known.key; query = {{absent_keys}}
        --use log_rows type = 'X'; columns = known.columns; key = known.key; query = {{present_rows}}
        message := set_config('enable_seqscan', current_setting('millrace.seqscan'), true);
        RETURN NULL;
    END IF;
--end nested_plans
--if key_has_places
    IF nested IS NOT TRUE AND known.shape = {{'shape'}} THEN
        --use log_rows type = 'D'; columns = known.key; key = known.key; query = SELECT ROW('D', {{old_key}}, NULL)::text FROM {{old_rows}}
        RETURN NULL;
    END IF;
--end key_has_places
    --use log_by_steps op = 'D'
    RETURN NULL;
END $body$;
--use seal

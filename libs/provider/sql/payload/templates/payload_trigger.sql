-- pgq.jsontriga, pgq.logutriga, pgq.sqltriga('queue' [, argument ...]), and pgq.payload_<table>_<trigger> of pgq.write_trigger
-- Purpose:    row trigger (and statement trigger for TRUNCATE) that writes each change into a queue. jsontriga (json):
--             ev_type {"op":...,"table":[...],"pkey":[...]}, ev_data the row as JSON. logutriga (url): ev_type I:key, U:key, D:key
--             or R, ev_data the row, URL-encoded. sqltriga (sql): ev_type I, U, D or R, ev_data the change as a piece of SQL.
--             ev_extra1 of all three: schema.table.
--             A specialised function is for one trigger, with the columns of its table written out: no statement is planned
--             at a row. It first compares table, columns, key and arguments with those that it was written for; where they
--             differ it does as the general function.
-- Parameters: SKIP, ignore=, pkey=, backup, deny, when=, ev_type=, ev_data=, ev_extra1= .. ev_extra4=.
-- Returns:    NULL after the change, or before it with SKIP: the change itself is left out; else the row.
--             Runs as the writer, who needs the right to call pgq.insert_event. Does nothing in the session role "local".
-- Errors:     as pgq.trigger_plan; primary key update not allowed; as insert_event.
-- Tables:     as pgq.trigger_statement.
CREATE OR REPLACE FUNCTION pgq.{{"function"}}() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
--if specialised
    v_id    bigint;
--end specialised
    v_plan  text;
    v_saved text[];
BEGIN
    IF current_setting('session_replication_role') = 'local' THEN
        RETURN coalesce(NEW, OLD);
    ELSIF TG_LEVEL = 'STATEMENT' AND TG_OP <> 'TRUNCATE' THEN
        RAISE EXCEPTION 'pgq Ins/Upd/Del trigger must be fired FOR EACH ROW';
    END IF;
--if specialised
    IF TG_OP <> 'TRUNCATE' AND TG_ARGV::text = {{'arguments'}} AND TG_TABLE_SCHEMA = {{'table_schema'}} AND TG_TABLE_NAME = {{'table_name'}}
--each primary_key
       AND pg_describe_object(1259, {{index}}, 0) IS NOT NULL
--end primary_key
       AND (SELECT bit_xor(hashtextextended(concat(a.attnum, ' ', a.atttypid, a.attgenerated, ' ', a.attname), 0)) FROM pg_attribute a WHERE a.attrelid = TG_RELID AND a.attnum > 0) = {{columns_hash}} THEN
--if pinned
        v_saved := pgq.pin_settings();
--end pinned
        IF TG_OP = 'INSERT' THEN
            IF ({{insert_when}}) THEN
                v_id := {{insert_call}};
            END IF;
        ELSIF TG_OP = 'UPDATE' THEN
            IF ({{update_when}}) THEN
                v_id := {{update_call}};
            END IF;
        ELSIF TG_OP = 'DELETE' THEN
            IF ({{delete_when}}) THEN
                v_id := {{delete_call}};
            END IF;
        END IF;
        IF v_saved IS NOT NULL THEN
            PERFORM pgq.restore_settings(v_saved);
        END IF;
        IF TG_WHEN = 'AFTER' OR {{skip}} THEN
            RETURN NULL;
        ELSIF TG_OP = 'DELETE' THEN
            RETURN OLD;
        END IF;
        RETURN NEW;
    END IF;
--end specialised
    v_plan := pgq.trigger_statement({{'kind'}}, TG_RELID, TG_NAME, TG_OP, TG_WHEN, TG_ARGV);
    IF v_plan LIKE '_P%' THEN
        v_saved := pgq.pin_settings();
        IF v_plan LIKE '__X%' THEN
            PERFORM set_config('search_path', format('pg_catalog, %I, public, pg_temp', TG_TABLE_SCHEMA), true);
        END IF;
    END IF;
    IF TG_OP = 'UPDATE' THEN
        EXECUTE substr(v_plan, 4) USING NEW, OLD, TG_ARGV[0];
    ELSIF TG_OP = 'DELETE' THEN
        EXECUTE substr(v_plan, 4) USING OLD, NULL, TG_ARGV[0];
    ELSE
        EXECUTE substr(v_plan, 4) USING NEW, NULL, TG_ARGV[0];
    END IF;
    IF v_saved IS NOT NULL THEN
        PERFORM pgq.restore_settings(v_saved);
    END IF;
    IF TG_WHEN = 'AFTER' OR TG_OP = 'TRUNCATE' OR v_plan LIKE 'S%' THEN
        RETURN NULL;
    ELSIF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    RETURN NEW;
END $body$;
--if specialised
REVOKE ALL ON FUNCTION pgq.{{"function"}}() FROM PUBLIC;
--end specialised

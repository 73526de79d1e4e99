-- Roles and rights. Group roles without login, one per duty; a role that we may not create is left out with a notice
-- (then the owner of the schemas does that duty). Applied after the functions, at every installation.
--
-- role             may
-- millrace_owner   all verbs of admin: sets, tables, sequences, subscribers, copies, status
-- millrace_capture read events and ticks, pin a tick, report positions, do copies (SELECT on the copied tables is the
--                  table owner's to give)
-- millrace_ticker  tick, also queues without tables; rotate, maintain triggers
-- millrace_app     write to the replicated tables needs nothing of us; see the last tick and the state of the set
-- everybody        get a token of what was committed (millrace.token); see the queues of schema pgq
-- pgq_reader       consume            pgq_writer  produce            pgq_admin  all of pgq (member of both)
DO $grants$
DECLARE
    -- role, then the functions it may call: schema.name, all overloads
    v_rights jsonb := jsonb_build_object(
        'pgq_reader', '["pgq.next_batch", "pgq.next_batch_info", "pgq.next_batch_custom", "pgq.get_batch_events",
            "pgq.get_batch_cursor", "pgq.get_batch_info", "pgq.finish_batch", "pgq.event_retry", "pgq.batch_retry", "pgq.register_consumer",
            "pgq.register_consumer_at", "pgq.unregister_consumer", "pgq.batch_event_sql", "pgq.batch_event_tables",
            "pgq.find_tick_helper", "pgq.force_tick", "pgq.listen_ticks", "pgq.unlisten_ticks",
            "pgq_coop.register_subconsumer", "pgq_coop.unregister_subconsumer", "pgq_coop.next_batch", "pgq_coop.next_batch_custom",
            "pgq_coop.finish_batch"]'::jsonb,
        'pgq_writer', '["pgq.insert_event", "pgq.current_event_table", "pgq.jsontriga", "pgq.logutriga", "pgq.sqltriga", "pgq.logtriga",
            "pgq.table_shape", "pgq.trigger_plan", "pgq.trigger_sql", "pgq.trigger_options", "pgq.trigger_columns", "pgq.letter_options",
            "pgq.row_sql", "pgq.change_sql", "pgq.update_sql", "pgq.value_sql", "pgq.urlencode", "pgq.refuse_event",
            "pgq.pin_settings", "pgq.restore_settings", "pgq.trigger_statement", "pgq.trigger_arguments", "pgq.has_equality", "pgq.write_trigger", "pgq.specialise_trigger"]'::jsonb,
        'pgq_admin', '["millrace.request_lock", "pgq.create_queue", "pgq.drop_queue", "pgq.set_queue_config", "pgq.grant_perms", "pgq.tune_storage",
            "pgq.insert_event_raw", "pgq.event_retry_raw", "pgq.upgrade_schema", "pgq.repair_queue", "pgq.ticker", "pgq.maint_retry_events", "pgq.maint_rotate_tables_step1",
            "pgq.maint_rotate_tables_step2", "pgq.maint_operations", "pgq.maint_tables_to_vacuum", "pgq.seq_setval",
            "millrace.maint_event_sequence"]'::jsonb,
        'public', '["pgq.get_queue_info", "pgq.get_consumer_info", "pgq.seq_getval", "pgq.quote_fqname", "pgq.version",
            "millrace.token"]'::jsonb,
        'millrace_ticker', '["millrace.request_lock", "millrace.tick", "millrace.force_tick", "millrace.last_tick", "millrace.tick_info",
            "millrace.report_service", "millrace.refresh_triggers", "millrace.maint_event_sequence", "pgq.ticker", "pgq.maint_operations", "pgq.maint_retry_events",
            "pgq.maint_rotate_tables_step1", "pgq.maint_rotate_tables_step2", "pgq.maint_tables_to_vacuum"]'::jsonb,
        'millrace_capture', '["millrace.request_lock", "millrace.last_tick", "millrace.tick_info", "millrace.ticks_after", "millrace.batch_sql",
            "millrace.force_tick", "millrace.lock_ticks", "millrace.insert_pinned_tick", "millrace.report_position",
            "millrace.report_service", "millrace.note_set_aside", "millrace.system_identifier", "millrace.timeline",
            "millrace.copy_source"]'::jsonb,
        'millrace_owner', '["millrace.request_lock", "millrace.create_set", "millrace.drop_set", "millrace.add_table", "millrace.remove_table",
            "millrace.refresh_triggers", "millrace.add_sequence", "millrace.remove_sequence", "millrace.register_subscriber",
            "millrace.unregister_subscriber", "millrace.force_tick", "millrace.last_tick", "millrace.tick_info",
            "millrace.lock_ticks", "millrace.insert_pinned_tick", "millrace.system_identifier", "millrace.note", "millrace.begin_command",
            "millrace.end_command", "millrace.note_comparison", "millrace.check_table", "millrace.ticks_after"]'::jsonb,
        'millrace_app', '["millrace.last_tick"]'::jsonb);
    v_tables jsonb := jsonb_build_object(
        'millrace_capture', '["SELECT ON pgq.event_template", "SELECT ON pgq.queue, pgq.tick, pgq.subscription, pgq.consumer",
            "SELECT ON millrace.set, millrace.set_table, millrace.set_sequence, millrace.subscriber, millrace.service_report",
            "SELECT ON millrace.comparison", "SELECT, UPDATE ON millrace.copy_request"]'::jsonb,
        'millrace_ticker', '["SELECT ON millrace.set, millrace.set_table, millrace.set_sequence, millrace.subscriber, millrace.service_report",
            "SELECT ON millrace.comparison"]'::jsonb,
        'millrace_owner', '["SELECT ON millrace.set, millrace.set_table, millrace.set_sequence, millrace.subscriber",
            "SELECT ON millrace.service_report, millrace.audit, millrace.comparison", "SELECT, INSERT, UPDATE ON millrace.bus_address", "SELECT, INSERT, UPDATE ON millrace.copy_request", "SELECT ON pgq.event_template",
            "UPDATE (last_value, is_called) ON millrace.set_sequence"]'::jsonb,
        'millrace_app', '["SELECT ON millrace.set, millrace.set_table, millrace.set_sequence, millrace.subscriber"]'::jsonb,
        'pgq_reader', '["SELECT ON pgq.event_template"]'::jsonb,
        'pgq_admin', '["SELECT, INSERT, TRUNCATE ON pgq.event_template", "SELECT, INSERT, UPDATE, DELETE ON pgq.queue, pgq.consumer",
            "SELECT, INSERT, UPDATE, DELETE ON pgq.tick, pgq.subscription, pgq.retry_queue", "SELECT ON millrace.set"]'::jsonb,
        'public', '["SELECT ON pgq.queue, pgq.consumer, pgq.tick, pgq.subscription"]'::jsonb);
    v_pgq  boolean := NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'pgq');  -- the real extension has its own grants
    v_role text;
    v_item text;
    v_table text;
    v_func regprocedure;
BEGIN
    FOREACH v_role IN ARRAY ARRAY['pgq_reader', 'pgq_writer', 'pgq_admin', 'millrace_owner', 'millrace_capture', 'millrace_ticker', 'millrace_app'] LOOP
        CONTINUE WHEN EXISTS (SELECT FROM pg_roles WHERE rolname = v_role);
        BEGIN
            EXECUTE format('CREATE ROLE %I NOLOGIN', v_role);
            IF v_role = 'pgq_admin' THEN
                GRANT pgq_reader, pgq_writer TO pgq_admin;
            END IF;
        EXCEPTION
            WHEN duplicate_object OR unique_violation THEN NULL;  -- another database of the cluster did it first
            WHEN insufficient_privilege OR undefined_object THEN
                RAISE NOTICE 'role % is left out: %', v_role, SQLERRM;
        END;
    END LOOP;

    -- PUBLIC may call none of these functions unless it is listed below. Marked functions are those of this installation.
    FOR v_func IN
        SELECT p.oid::regprocedure FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
        LEFT JOIN pg_description d ON d.objoid = p.oid AND d.classoid = 'pg_proc'::regclass
        WHERE n.nspname IN ('pgq', 'pgq_coop', 'millrace')
          AND (d.description = 'Millrace provider' OR (n.nspname = 'millrace' AND p.prorettype = 'trigger'::regtype))
    LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', v_func);
    END LOOP;

    FOR v_role IN SELECT r FROM jsonb_object_keys(v_rights || v_tables) AS r LOOP
        CONTINUE WHEN v_role <> 'public' AND NOT EXISTS (SELECT FROM pg_roles WHERE rolname = v_role);
        IF v_role LIKE 'millrace%' OR v_role IN ('pgq_admin', 'public') THEN
            EXECUTE format('GRANT USAGE ON SCHEMA millrace TO %I', v_role);
        END IF;
        IF v_pgq THEN
            EXECUTE format('GRANT USAGE ON SCHEMA pgq, pgq_coop TO %s', v_role);
        END IF;
        FOR v_func IN
            SELECT p.oid::regprocedure FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
            WHERE v_rights -> v_role ? (n.nspname || '.' || p.proname) AND (v_pgq OR n.nspname = 'millrace')
        LOOP
            EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %s', v_func, v_role);
        END LOOP;
        FOR v_item IN SELECT * FROM jsonb_array_elements_text(coalesce(v_tables -> v_role, '[]')) LOOP
            CONTINUE WHEN NOT v_pgq AND v_item LIKE '% pgq.%';
            EXECUTE format('GRANT %s TO %s', v_item, v_role);
        END LOOP;
    END LOOP;
    IF v_pgq THEN
        PERFORM pgq.grant_perms(q.queue_name) FROM pgq.queue q;
        FOR v_table, v_item IN VALUES ('queue', 'queue_id'), ('tick', 'tick_queue'), ('subscription', 'sub_queue'), ('retry_queue', 'ev_queue'), ('consumer', 'co_id') LOOP
            CONTINUE WHEN EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = format('pgq.%I', v_table)::regclass AND t.tgname = 'guard_set');
            EXECUTE format('CREATE TRIGGER guard_set BEFORE INSERT OR UPDATE OR DELETE ON pgq.%I FOR EACH ROW
                WHEN (NOT has_table_privilege(''millrace.set''::regclass, ''INSERT'')) EXECUTE FUNCTION millrace.guard_rows(%L)', v_table, v_item);
            EXECUTE format('ALTER TABLE pgq.%I ENABLE ALWAYS TRIGGER guard_set', v_table);
        END LOOP;
    END IF;
END $grants$;

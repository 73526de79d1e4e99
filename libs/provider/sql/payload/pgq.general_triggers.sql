-- pgq.jsontriga(), pgq.logutriga(), pgq.sqltriga(): templates/payload_trigger.sql, one for each kind of payload.
DO $$
BEGIN
    EXECUTE millrace.fill(millrace.template('payload_trigger'), '{"function": "jsontriga", "kind": "json", "specialised": false}');
    EXECUTE millrace.fill(millrace.template('payload_trigger'), '{"function": "logutriga", "kind": "url", "specialised": false}');
    EXECUTE millrace.fill(millrace.template('payload_trigger'), '{"function": "sqltriga", "kind": "sql", "specialised": false}');
END $$;

-- Purpose:    all that status, tables, seqs, wait and add read at a subscriber, in one round trip.
-- Parameters: $1 queue.
-- Returns:    one row `overview` (json); its `position` is null when the queue is not set up here.
-- Reads:      millrace.position, subscribed_table, source_column, subscribed_sequence, control, replay_report.
SELECT json_build_object(
  'now', to_json(now() AT TIME ZONE 'UTC')#>>'{}' || 'Z',
  'position', (SELECT json_build_object('subscriber', p.subscriber, 'provider', p.provider, 'tick', p.tick,
      'fingerprint', p.fingerprint, 'appliedAt', to_json(p.applied_at AT TIME ZONE 'UTC')#>>'{}' || 'Z')
    FROM millrace.position p WHERE p.queue = $1),
  'tables', coalesce((SELECT json_agg(json_build_object(
      'schema', t.schema_name, 'name', t.table_name, 'state', t.state, 'copyId', t.copy_id,
      'copiedRows', coalesce(t.copied_rows, 0), 'copiedBytes', coalesce(t.copied_bytes, 0), 'error', t.error,
      'altered', (SELECT coalesce(json_agg(json_build_object('name', c.name, 'type', c.type, 'former', c.former_type)
          ORDER BY c.number), '[]')
        FROM millrace.source_column c
        WHERE (c.queue, c.schema_name, c.table_name) = (t.queue, t.schema_name, t.table_name) AND c.former_type IS NOT NULL))
      ORDER BY t.schema_name, t.table_name)
    FROM millrace.subscribed_table t WHERE t.queue = $1), '[]'),
  'sequences', coalesce((SELECT json_agg(json_build_object('schema', s.schema_name, 'name', s.sequence_name)
      ORDER BY s.schema_name, s.sequence_name)
    FROM millrace.subscribed_sequence s WHERE s.queue = $1), '[]'),
  'paused', coalesce((SELECT c.paused FROM millrace.control c WHERE c.queue = $1), false),
  'replay', (SELECT json_build_object('state', r.state, 'errorCode', r.error_code, 'errorMessage', r.error_message,
      'ageMs', (extract(epoch FROM now() - r.reported_at) * 1000)::bigint)
    FROM millrace.replay_report r WHERE r.queue = $1)
)::text AS overview

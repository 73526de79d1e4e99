-- Purpose:    all that status, tables, seqs and wait read at the provider, in one round trip.
-- Parameters: $1 queue.
-- Returns:    one row `overview` (json); its `set` is null when the queue has no set.
-- Reads:      millrace.set, set_table, set_sequence, subscriber, copy_request, service_report, comparison; pgq.queue, tick,
--             subscription; pg_class, pg_inherits. Times are ISO 8601 UTC.
WITH q AS (
  SELECT pq.*, coalesce(pg_sequence_last_value(pq.queue_event_seq::regclass), 0) AS last_event
  FROM pgq.queue pq WHERE pq.queue_name = $1
), newest AS (
  SELECT t.* FROM q JOIN pgq.tick t ON t.tick_queue = q.queue_id ORDER BY t.tick_id DESC LIMIT 1
), oldest AS (
  SELECT min(s.sub_last_tick) AS tick FROM q JOIN pgq.subscription s ON s.sub_queue = q.queue_id
)
SELECT json_build_object(
  'now', to_json(now() AT TIME ZONE 'UTC')#>>'{}' || 'Z',
  'set', (SELECT json_build_object('systemIdentifier', s.system_identifier) FROM millrace.set s WHERE s.queue = $1),
  'tick', (SELECT json_build_object('tick', l.tick, 'fingerprint', l.fingerprint,
      'time', to_json(l.tick_time AT TIME ZONE 'UTC')#>>'{}' || 'Z') FROM millrace.last_tick($1) l),
  'newEvents', (SELECT greatest(q.last_event - newest.tick_event_seq, 0) FROM q, newest),
  'queue', (SELECT json_build_object(
      'oldestTick', (SELECT tick FROM oldest),
      'events', (SELECT greatest(q.last_event - min(t.tick_event_seq), 0) FROM pgq.tick t
        WHERE t.tick_queue = q.queue_id AND t.tick_id = coalesce((SELECT tick FROM oldest), (SELECT tick_id FROM newest))),
      'bytes', (SELECT coalesce(sum(pg_total_relation_size(i.inhrelid)), 0) FROM pg_inherits i
        WHERE i.inhparent = q.queue_data_pfx::regclass),
      'eventTables', q.queue_ntables, 'rotatedAt', to_json(q.queue_switch_time AT TIME ZONE 'UTC')#>>'{}' || 'Z')
    FROM q),
  'tables', coalesce((SELECT json_agg(json_build_object(
      'schema', t.schema_name, 'name', t.table_name, 'key', t.key_columns, 'problem', t.problem,
      'estimate', greatest((SELECT c.reltuples FROM pg_class c WHERE c.oid = t.relid), 0)::bigint)
      ORDER BY t.schema_name, t.table_name)
    FROM millrace.set_table t WHERE t.queue = $1), '[]'),
  'sequences', coalesce((SELECT json_agg(json_build_object(
      'schema', s.schema_name, 'name', s.sequence_name, 'lastValue', s.last_value::text)
      ORDER BY s.schema_name, s.sequence_name)
    FROM millrace.set_sequence s WHERE s.queue = $1), '[]'),
  'subscribers', coalesce((SELECT json_agg(json_build_object(
      'name', b.name, 'tick', b.tick, 'fingerprint', b.fingerprint,
      'reportedAt', to_json(b.reported_at AT TIME ZONE 'UTC')#>>'{}' || 'Z',
      'keptFrom', (SELECT s.sub_last_tick FROM q JOIN pgq.subscription s ON s.sub_queue = q.queue_id
        JOIN pgq.consumer c ON c.co_id = s.sub_consumer WHERE c.co_name = b.consumer)) ORDER BY b.name)
    FROM millrace.subscriber b WHERE b.queue = $1), '[]'),
  'copies', coalesce((SELECT json_agg(json_build_object(
      'id', r.copy_id, 'schema', r.schema_name, 'name', r.table_name, 'subscribers', r.subscribers,
      'state', r.state, 'rows', r.rows, 'bytes', r.bytes) ORDER BY r.copy_id)
    FROM millrace.copy_request r WHERE r.queue = $1 AND r.state IN ('wanted', 'copying')), '[]'),
  'services', coalesce((SELECT json_agg(json_build_object(
      'service', v.service, 'state', v.state, 'errorCode', v.error_code, 'errorMessage', v.error_message,
      'ageMs', (extract(epoch FROM now() - v.reported_at) * 1000)::bigint) ORDER BY v.service)
    FROM millrace.service_report v WHERE v.queue = $1), '[]'),
  'comparisons', coalesce((SELECT json_agg(json_build_object(
      'subscriber', c.subscriber, 'schema', c.schema_name, 'name', c.table_name, 'state', c.state, 'reason', c.reason,
      'tick', c.tick, 'rows', c.provider_rows, 'missing', c.missing, 'extra', c.extra, 'different', c.different,
      'comparedAt', to_json(c.compared_at AT TIME ZONE 'UTC')#>>'{}' || 'Z') ORDER BY c.subscriber, c.schema_name, c.table_name)
    FROM millrace.comparison c WHERE c.queue = $1), '[]')
)::text AS overview

// Every statement of this package: functions of the PgQ contract, and of its tables only pgq.queue and pgq.tick, which
// anybody may read. Values come back as text: an int8 is never a number, a time never loses its microseconds.
const eventColumns = 'ev_id, ev_time, ev_txid, ev_retry, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4';

export const begin = 'BEGIN';
export const commit = 'COMMIT';
export const rollback = 'ROLLBACK';
/** Times of events are read as ISO text, whatever the role's settings are. */
export const beginReading = 'BEGIN; SET LOCAL DateStyle TO ISO';

export const savepoint = 'SAVEPOINT millrace_event';
export const nextSavepoint = `RELEASE SAVEPOINT millrace_event; ${savepoint}`;
export const toSavepoint = 'ROLLBACK TO SAVEPOINT millrace_event';

/** queue, types, datas, extra1 .. extra4: ids in the order given. */
export const insertEvents = `SELECT pgq.insert_event($1, e.t, e.d, e.e1, e.e2, e.e3, e.e4)
  FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[]) AS e (t, d, e1, e2, e3, e4)`;
export const insertEvent = 'SELECT pgq.insert_event($1, $2, $3, $4, $5, $6, $7)';

export const createQueue = 'SELECT pgq.create_queue($1)';
export const dropQueue = 'SELECT pgq.drop_queue($1, $2)';
export const setQueueConfig = 'SELECT pgq.set_queue_config($1, $2, $3)';
export const queueExists = 'SELECT 1 FROM pgq.queue WHERE queue_name = $1';

export const register = 'SELECT pgq.register_consumer($1, $2)';
export const registerAt = 'SELECT pgq.register_consumer_at($1, $2, $3)';
export const unregister = 'SELECT pgq.unregister_consumer($1, $2)';
export const registerSub = 'SELECT pgq_coop.register_subconsumer($1, $2, $3)';
export const unregisterSub = 'SELECT pgq_coop.unregister_subconsumer($1, $2, $3, $4)';

const ticksOf = 'FROM pgq.tick t JOIN pgq.queue q ON q.queue_id = t.tick_queue WHERE q.queue_name = $1';
export const oldestTick = `SELECT min(t.tick_id) ${ticksOf}`;
export const newestTick = `SELECT max(t.tick_id) ${ticksOf}`;
/** The last tick not after a time; the oldest when the time is before all. */
export const tickAt = `SELECT coalesce(max(t.tick_id) FILTER (WHERE t.tick_time <= $2::timestamptz), min(t.tick_id)) ${ticksOf}`;

const seconds = (interval: string) => `extract(epoch FROM ${interval})::text`;
export const consumerInfo = `SELECT ${seconds('lag')}, ${seconds('last_seen')}, last_tick, current_batch, next_tick, pending_events
  FROM pgq.get_consumer_info($1, $2)`;

/** queue, consumer, min_lag, min_count, min_interval (milliseconds): batch, ticks, time of the last tick in seconds. */
export const nextBatch = `SELECT batch_id, prev_tick_id, cur_tick_id, extract(epoch FROM cur_tick_time)::text
  FROM pgq.next_batch_custom($1, $2, $3 * interval '1 millisecond', $4, $5 * interval '1 millisecond')`;
export const nextSubBatch = `SELECT pgq_coop.next_batch_custom($1, $2, $3, $4 * interval '1 millisecond', $5,
  $6 * interval '1 millisecond', $7 * interval '1 millisecond')`;
export const batchInfo = `SELECT $1::bigint, prev_tick_id, tick_id, extract(epoch FROM batch_end)::text FROM pgq.get_batch_info($1)`;
/** queue, consumer: everything up to the newest tick as one batch. */
export const wholeBatch = `SELECT b.batch_id FROM pgq.get_consumer_info($1, $2) AS i
  CROSS JOIN LATERAL pgq.next_batch_custom($1, $2, NULL, NULL,
    (SELECT max(t.tick_time) - min(t.tick_time) ${ticksOf} AND t.tick_id >= i.last_tick)) AS b`;

const cursorName = 'millrace_queue_batch';
/** batch, how many: the first events, and a cursor for the rest. */
export const openCursor = `SELECT ${eventColumns} FROM pgq.get_batch_cursor($1, '${cursorName}', $2)`;
export const openFilteredCursor = `SELECT ${eventColumns} FROM pgq.get_batch_cursor($1, '${cursorName}', $2, $3)`;
export const fetchEvents = (count: number): string => `FETCH ${Math.trunc(count)} FROM ${cursorName}`;
/** Condition on an event's type, with literals that the driver has quoted. */
export const typeIn = (literals: readonly string[]): string => `ev_type IN (${literals.join(', ')})`;

export const finishBatch = 'SELECT pgq.finish_batch($1)';
export const finishSubBatch = 'SELECT pgq_coop.finish_batch($1)';
/** batch, ids, delays in milliseconds. */
export const retryEvents = `SELECT pgq.event_retry($1, e.id, clock_timestamp() + e.ms * interval '1 millisecond')
  FROM unnest($2::bigint[], $3::float8[]) AS e (id, ms)`;
/** queue, consumer, id, time, type, data, extra1 .. extra4: as if it came for the first time. */
export const putBackEvent =
  'SELECT pgq.event_retry_raw($1, $2, now(), $3, $4::timestamptz, NULL, $5, $6, $7, $8, $9, $10)';

/** One of several processes of one consumer works; the others are on standby. */
export const tryLead = 'SELECT pg_try_advisory_lock(hashtextextended($1, 7717))';
export const unlead = 'SELECT pg_advisory_unlock(hashtextextended($1, 7717))';
export const hasTickChannel = `SELECT has_function_privilege(to_regprocedure('pgq.listen_ticks(text)'), 'EXECUTE')`;
export const listenTicks = 'SELECT pgq.listen_ticks($1)';

/** In the database written to: no other session is inside the same consumer's batch. */
export const lockConsumer = 'SELECT pg_advisory_xact_lock(hashtextextended($1, 7718))';
export const setBatchDone = 'SELECT pgq_ext.set_batch_done($1, $2, $3)';
export const setEventsDone = 'SELECT pgq_ext.set_event_done($1, $2, $3, e) FROM unnest($4::bigint[]) AS e';
export const eventsDone = 'SELECT e FROM unnest($4::bigint[]) AS e WHERE pgq_ext.is_event_done($1, $2, $3, e)';

export const tickAll = 'SELECT pgq.ticker()';
export const moveRetries = 'SELECT pgq.maint_retry_events()';
export const maintenance = 'SELECT func_name, func_arg FROM pgq.maint_operations()';
export const maintain = (func: string, withArg: boolean): string => `SELECT ${func}(${withArg ? '$1' : ''})`;
export const vacuum = (table: string): string => `VACUUM ${table}`;

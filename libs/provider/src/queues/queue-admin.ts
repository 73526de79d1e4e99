import { codes, MillraceError } from '@millrace/errors';
import { type Queryable, sqlstateOf } from '@millrace/postgres';
import { providerError, query, queryOne } from '../query.ts';
import { runQuery } from '../statements.ts';

/** What may be set of a queue, in PgQ's words. */
export const queueParameters = [
  'ticker_max_count',
  'ticker_max_lag',
  'ticker_idle_period',
  'ticker_paused',
  'rotation_period',
  'external_ticker',
] as const;

export type QueueParameter = (typeof queueParameters)[number];

/** Makes a queue; false when it was there. */
export async function createQueue(client: Queryable, queue: string): Promise<boolean> {
  const sql = 'SELECT pgq.create_queue($1) AS made';
  return (await queryOne<{ made: number }>(client, `making queue ${queue}`, sql, [queue])).made === 1;
}

/** Removes a queue with its events, and its consumers with `force`. False when it was not there. Throws CONFLICT while it has consumers. */
export async function dropQueue(client: Queryable, queue: string, { force = false } = {}): Promise<boolean> {
  try {
    await client.query('SELECT pgq.drop_queue($1, $2)', [queue, force]);
    return true;
  } catch (error) {
    if (!(await queueExists(client, queue))) return false;
    const { message = '' } = error as { message?: string };
    throw message.startsWith('cannot drop queue')
      ? hasConsumers(queue)
      : providerError(error, `dropping queue ${queue}`);
  }
}

/** What stands against dropping a queue without force. */
export function hasConsumers(queue: string, names: readonly string[] = []): MillraceError {
  const list = names.length === 0 ? '' : `: ${names.join(', ')}`;
  return new MillraceError(codes.CONFLICT, `queue ${queue} has consumers${list}`, {
    advice: 'unregister them first, or use --force',
  });
}

export async function queueExists(client: Queryable, queue: string): Promise<boolean> {
  const rows = await query(client, 'looking for a queue', 'SELECT FROM pgq.queue WHERE queue_name = $1', [queue]);
  return rows.length > 0;
}

/** Whether there was a queue of that name. Of two commands that drop it now, one will have. Throws the driver's errors. */
export async function wasQueueDropped(client: Queryable, queue: string): Promise<boolean> {
  return (await runQuery<{ was: boolean }>(client, 'queue_was_dropped', [queue]))[0]?.was === true;
}

/**
 * Sets one parameter. `rotation_period` null: event tables are never rotated. Throws USAGE for a value that is none, or that would stop
 * the queue or keep it busy for nothing.
 */
export async function setQueueParameter(
  client: Queryable,
  queue: string,
  parameter: QueueParameter,
  value: string | null,
): Promise<void> {
  const doing = `setting queue ${queue}`;
  if (value === null) {
    // PgQ's own function takes no NULL.
    const sql = 'UPDATE pgq.queue SET queue_rotation_period = NULL WHERE queue_name = $1';
    await query(client, doing, sql, [queue]).catch((error: unknown) => {
      throw sqlstateOf(error instanceof MillraceError ? error.cause : error) === '23502' ? mustRotate() : error;
    });
    return;
  }
  if (!(await isValue(client, parameter, value))) {
    throw new MillraceError(codes.USAGE, `${parameter} cannot be ${JSON.stringify(value)}`, {
      advice: examples[parameter],
    });
  }
  await query(client, doing, 'SELECT pgq.set_queue_config($1, $2, $3)', [queue, parameter, value]);
}

async function isValue(client: Queryable, parameter: QueueParameter, value: string): Promise<boolean> {
  const sql = `SELECT CASE WHEN $1 = 'ticker_max_count' THEN $2::text::integer >= 1
      WHEN $1 = 'ticker_max_lag' THEN $2::text::interval >= interval '0'
      WHEN $1 IN ('ticker_idle_period', 'rotation_period') THEN $2::text::interval > interval '0'
      ELSE $2::text::boolean IS NOT NULL END AS ok`;
  try {
    const { rows } = await client.query(sql, [parameter, value]);
    return rows[0]?.ok === true;
  } catch (error) {
    if (sqlstateOf(error)?.startsWith('22') === true) return false;
    throw providerError(error, 'checking a value');
  }
}

const period = 'write a PostgreSQL interval above 0, like 2h or 30 min';
const examples: Readonly<Record<QueueParameter, string>> = {
  ticker_max_count: 'write a whole number from 1 on',
  ticker_max_lag: 'write a PostgreSQL interval, like 3s or 500 ms',
  ticker_idle_period: period,
  rotation_period: period,
  ticker_paused: 'write true or false',
  external_ticker: 'write true or false',
};

/** Registers a consumer at a tick, or at the newest one; false when it was there (then it stays where it is). */
export async function registerConsumer(
  client: Queryable,
  { queue, consumer, tick = null }: { queue: string; consumer: string; tick?: number | null },
): Promise<boolean> {
  const sql = 'SELECT pgq.register_consumer_at($1, $2, $3) AS made';
  const row = await queryOne<{ made: number }>(client, `registering ${consumer}`, sql, [queue, consumer, tick]);
  return row.made === 1;
}

/** Forgets a consumer with its events to be retried; how many subscriptions went (its subconsumers' as well). */
export async function unregisterConsumer(client: Queryable, queue: string, consumer: string): Promise<number> {
  const sql = 'SELECT pgq.unregister_consumer($1, $2) AS gone';
  return (await queryOne<{ gone: number }>(client, `unregistering ${consumer}`, sql, [queue, consumer])).gone;
}

/** A place in a queue: a tick that is still kept, by number, time or end. */
export type Place = { readonly tick: number } | { readonly time: string } | 'start' | 'end';

/** The tick at that place: of a time the last one before it, so that everything after it is read. Throws NOT_FOUND, USAGE. */
export async function tickAt(client: Queryable, queue: string, place: Place): Promise<number> {
  const [condition, order, value] =
    place === 'start'
      ? ['$2::text IS NULL', 'ASC', null]
      : place === 'end'
        ? ['$2::text IS NULL', 'DESC', null]
        : 'tick' in place
          ? ['t.tick_id = $2::text::bigint', 'ASC', String(place.tick)]
          : ['t.tick_time <= $2::text::timestamptz', 'DESC', place.time];
  const sql = `SELECT t.tick_id::float8 AS tick FROM pgq.tick t JOIN pgq.queue q ON q.queue_id = t.tick_queue
    WHERE q.queue_name = $1 AND ${condition} ORDER BY t.tick_id ${order} LIMIT 1`;
  const [row] = await query<{ tick: number }>(client, 'looking for a tick', sql, [queue, value]).catch(
    (error: unknown) => {
      throw sqlstateOf(error instanceof MillraceError ? error.cause : error)?.startsWith('22') === true
        ? noTime(value)
        : error;
    },
  );
  if (row !== undefined) return row.tick;
  const what =
    typeof place === 'string'
      ? 'no tick'
      : 'tick' in place
        ? `no tick ${place.tick}`
        : `no tick of ${place.time} or before`;
  throw new MillraceError(codes.NOT_FOUND, `queue ${queue} keeps ${what}`, {
    advice: 'see `millrace queue info` for the ticks it keeps, or use --start',
  });
}

function noTime(text: string | null): MillraceError {
  return new MillraceError(codes.USAGE, `${JSON.stringify(text)} is not a time`, {
    advice: "write a PostgreSQL timestamp, like '2026-01-31 08:00+01'",
  });
}

function mustRotate(): MillraceError {
  return new MillraceError(codes.USAGE, 'queues of the pgq extension are always rotated', {
    advice: "write a long period, like rotation_period='10 years'",
  });
}

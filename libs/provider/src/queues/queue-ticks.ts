import { setTimeout as delay } from 'node:timers/promises';
import { codes, MillraceError, toMillraceError } from '@millrace/errors';
import { safeInteger } from '@millrace/model';
import { type Queryable, tryLead } from '@millrace/postgres';
import { query, queryOne } from '../query.ts';
import { forceTick } from '../ticks/ticks.ts';
import { needPgq, type PgqState } from './pgq-state.ts';
import { queueExists } from './queue-admin.ts';

/** What became of a queue that was due. */
export interface QueueTick {
  readonly queue: string;
  /** Null: by its own rule none was due after all. */
  readonly tick: number | null;
  readonly error?: MillraceError;
}

/** Key of the lead for the queues of a database that carry no tables. Whoever ticks them holds it. */
const leadKey = 'queue ticker';

/** Whether this session now is the one that ticks this database's queues, until it ends. */
export async function leadQueues(client: Queryable): Promise<boolean> {
  return tryLead(client, leadKey);
}

/** What there is to tick in a database. */
export interface QueueDuty {
  readonly state: PgqState;
  /** Whether it has a queue that is neither a set's nor ticked from elsewhere. */
  readonly any: boolean;
}

/** Lists what there is to tick. `where` names the database. Throws NOT_INSTALLED. */
export async function queueDuty(client: Queryable, where: string): Promise<QueueDuty> {
  const state = await needPgq(client, where);
  const sql = `SELECT EXISTS (SELECT FROM pgq.queue q WHERE NOT q.queue_external_ticker ${notOfSet(state)}) AS any`;
  return { state, ...(await queryOne<{ any: boolean }>(client, 'looking for queues', sql, [])) };
}

/**
 * Ticks the queues of a database that are due by their own rule (pgq.ticker), each in a transaction of its own. Left alone: queues
 * of sets, which have a ticker of their own, those with an external ticker, and paused ones. One that fails keeps no other. The session
 * is READ COMMITTED and outside a transaction. What costs the session is thrown.
 */
export async function tickQueues(client: Queryable, { state }: QueueDuty): Promise<QueueTick[]> {
  const due = await query<{ name: string }>(client, 'looking which queues are due', dueSql(state), []);
  const done: QueueTick[] = [];
  for (const { name: queue } of due) {
    const tick = await tickOne(client, queue);
    // One that was dropped just now has no trouble.
    if (tick.error === undefined || (await queueExists(client, queue))) done.push(tick);
  }
  return done;
}

function notOfSet({ millrace }: PgqState): string {
  return millrace ? 'AND NOT EXISTS (SELECT FROM millrace.set s WHERE s.queue_id = q.queue_id)' : '';
}

// PgQ's own rule, evaluated for all queues in one query, so that a database of many idle queues costs one round trip.
function dueSql(state: PgqState): string {
  return `SELECT i.queue_name AS name
    FROM pgq.get_queue_info() i
    JOIN pgq.queue q ON q.queue_name = i.queue_name
    LEFT JOIN pgq.tick l ON l.tick_queue = q.queue_id AND l.tick_id = i.last_tick_id
    LEFT JOIN LATERAL (SELECT l.tick_time - p.tick_time AS gap FROM pgq.tick p
                       WHERE p.tick_queue = q.queue_id AND p.tick_id < l.tick_id ORDER BY p.tick_id DESC LIMIT 1) AS b ON true
    WHERE NOT i.queue_external_ticker AND NOT i.queue_ticker_paused ${notOfSet(state)}
      AND (l.tick_id IS NULL
           OR i.ev_new > 0 AND (i.ev_new >= i.queue_ticker_max_count OR i.ticker_lag >= i.queue_ticker_max_lag)
           OR i.ev_new <= 0 AND (b.gap IS NULL OR i.ticker_lag >= i.queue_ticker_max_lag / 2
                                 AND (i.ticker_lag >= b.gap * 2 OR i.ticker_lag >= i.queue_ticker_idle_period)))
    ORDER BY i.queue_name`;
}

async function tickOne(client: Queryable, queue: string): Promise<QueueTick> {
  try {
    return { queue, tick: await ticker(client, queue) };
  } catch (error) {
    const known = toMillraceError(error);
    if (known.code === codes.DATABASE_UNREACHABLE || known.code === codes.INTERNAL) throw error;
    return { queue, tick: null, error: known };
  }
}

async function ticker(client: Queryable, queue: string): Promise<number | null> {
  const sql = 'SELECT pgq.ticker($1) AS tick';
  const { tick } = await queryOne<{ tick: string | null }>(client, `ticking queue ${queue}`, sql, [queue]);
  return tick === null ? null : safeInteger(tick);
}

const oftenMs = 100;

/**
 * Makes a tick in any queue that is ticked from here, due or not; its number. In a database with PgQ's extension alone, whose ticks are safe
 * in one hand only, the leading ticker is notified and its tick waited for. The session ends after it. Throws TIMEOUT.
 */
export async function forceQueueTick(
  client: Queryable,
  queue: string,
  { where, timeoutMs = 15_000 }: { where: string; timeoutMs?: number },
): Promise<number> {
  const { millrace } = await needPgq(client, where);
  if (millrace) return (await forceTick(client, queue)).tick;
  const sql = 'SELECT pgq.force_tick($1) AS tick';
  const requested = async () =>
    (await queryOne<{ tick: string | null }>(client, `ticking queue ${queue}`, sql, [queue])).tick;
  const before = await requested();
  const deadline = performance.now() + timeoutMs;
  const leads = await leadQueues(client);
  while (performance.now() < deadline) {
    const made = leads ? await ticker(client, queue) : await newestTick(client, queue);
    if (made !== null && made > safeInteger(before ?? '0')) return made;
    await delay(oftenMs);
  }
  throw new MillraceError(codes.TIMEOUT, `no ticker made a tick in queue ${queue} within ${timeoutMs} ms`, {
    advice: 'see whether its ticker is well, and whether the queue is paused',
  });
}

async function newestTick(client: Queryable, queue: string): Promise<number | null> {
  const sql = 'SELECT last_tick_id::float8 AS tick FROM pgq.get_queue_info($1)';
  return (await queryOne<{ tick: number | null }>(client, `ticking queue ${queue}`, sql, [queue])).tick;
}

import type { Readable } from 'node:stream';
import { type Position, safeInteger, type Tick } from '@millrace/model';
import { copyOut, type PgClient } from '@millrace/postgres';
import { isoTime, providerError } from '../query.ts';

/** One tick interval: the batch that ends with `tick`, and the SELECT for its events. */
export interface Interval {
  readonly prev: Position;
  readonly tick: Tick;
  /** What the tick saw of the provider's transactions, `xmin:xmax:xip`. */
  readonly snapshot: string;
  /** The history that the provider writes now. */
  readonly timeline: number;
  /**
   * The SELECT for the events between the two ticks, literals only, the same text every time: columns ev_id, ev_type,
   * ev_extra1 .. ev_extra4, ev_data, ordered by ev_id. To be read in the transaction that queried it: until that ends the
   * event tables are not emptied.
   */
  readonly sql: string;
}

interface IntervalRow {
  tick: string;
  prev_tick: string;
  fingerprint: string;
  prev_fingerprint: string;
  time: string;
  snapshot: string;
  timeline: number;
  sql: string;
}

/** A server that does not answer a short question for so long is taken for lost, ms. */
const answerMs = 30_000;

const text = `SELECT a.tick, a.prev_tick, a.fingerprint, a.prev_fingerprint, ${isoTime('a.tick_time')} AS time,
    t.tick_snapshot::text AS snapshot, millrace.timeline() AS timeline,
    millrace.batch_sql($1, a.prev_tick, a.tick) AS sql
  FROM millrace.ticks_after($1, $2, $3) AS a
  JOIN pgq.queue q ON q.queue_name = $1 JOIN pgq.tick t ON t.tick_queue = q.queue_id AND t.tick_id = a.tick
  ORDER BY a.tick`;

/**
 * Every ALTER TABLE of a column writes its row in pg_attribute again, so no row may be younger than the older tick. What is
 * visible is older than the snapshot's end: counted back from there, modulo 2^32, an age is never too great.
 */
const columnsStayedSql = `SELECT NOT EXISTS (
      SELECT FROM pg_trigger g JOIN pg_proc p ON p.oid = g.tgfoid JOIN pg_attribute a ON a.attrelid = g.tgrelid
      WHERE p.pronamespace = 'millrace'::regnamespace AND a.attnum > 0
        AND ((n.xid & 4294967295) - a.xmin::text::bigint + 4294967296) & 4294967295 <= n.xid - txid_snapshot_xmin(t.tick_snapshot))
    AND NOT EXISTS (
      SELECT FROM millrace.set_table s
      WHERE s.queue = $1 AND NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = s.relid)) AS stayed
  FROM pgq.tick t JOIN pgq.queue q ON q.queue_id = t.tick_queue,
    (SELECT txid_snapshot_xmax(txid_current_snapshot()) AS xid) AS n
  WHERE q.queue_name = $1 AND t.tick_id = $2`;

/**
 * Up to `limit` intervals after a tick that is known, in order, in one round trip: capture asks this for every batch.
 * Throws POSITION when the tick is not known (any more).
 */
export async function intervalsAfter(
  client: PgClient,
  queue: string,
  after: number,
  limit: number,
): Promise<Interval[]> {
  try {
    const statement = { name: 'millrace_intervals', text, values: [queue, after, limit], query_timeout: answerMs };
    const { rows } = await client.query<IntervalRow>(statement);
    return rows.map((row) => ({
      prev: { tick: safeInteger(row.prev_tick), fingerprint: row.prev_fingerprint },
      tick: { tick: safeInteger(row.tick), fingerprint: row.fingerprint, time: row.time },
      snapshot: row.snapshot,
      timeline: row.timeline,
      sql: row.sql,
    }));
  } catch (error) {
    throw providerError(error, 'reading ticks');
  }
}

/** The events of an interval as PostgreSQL's binary COPY sends them. A reader that gives up must drop the session. */
export function readInterval(client: PgClient, interval: Interval): Readable {
  return copyOut(client, `COPY (${interval.sql}) TO STDOUT (FORMAT binary)`);
}

/** How some of an interval's events describe their lines, as in the queue. */
export interface IntervalShape {
  readonly table: string;
  readonly columns: string;
  readonly key: string;
  /** Some of these lines are whole rows, for certain. */
  readonly whole: boolean;
}

/**
 * Whether the columns of all captured tables are what they were when the interval began, so that all its events describe them
 * alike. Reads catalogs only. In doubt false: after any ALTER TABLE of late, or when a table of a set is gone.
 */
export async function columnsStayed(client: PgClient, queue: string, interval: Interval): Promise<boolean> {
  const statement = {
    name: 'millrace_columns_stayed',
    text: columnsStayedSql,
    values: [queue, interval.prev.tick],
    query_timeout: answerMs,
  };
  try {
    return (await client.query<{ stayed: boolean | null }>(statement)).rows[0]?.stayed === true;
  } catch (error) {
    throw providerError(error, 'looking for altered tables');
  }
}

/** All the descriptions of an interval's events, those that occur latest last. Reads all its events but not their data. */
export async function intervalShapes(client: PgClient, interval: Interval): Promise<IntervalShape[]> {
  try {
    const { rows } = await client.query<IntervalShape>(
      `SELECT ev_extra1 AS table, ev_extra2 AS columns, ev_extra3 AS key, bool_or(ev_type IN ('I', 'U')) AS whole
       FROM (${interval.sql}) AS e WHERE ev_type IN ('I', 'U', 'D', 'X')
       GROUP BY ev_extra1, ev_extra2, ev_extra3 ORDER BY max(ev_id)`,
    );
    return rows;
  } catch (error) {
    throw providerError(error, 'reading the columns of a batch');
  }
}

/**
 * Whether the events that were read for an interval were all there: to be queried after they were read, before anybody takes
 * them for the batch. A rotation that empties events forgets, in the same transaction, every tick that does not show them.
 * False: the subscriber that needs the interval was set back, or taken out, while it was read.
 */
export async function isWhole(client: PgClient, queue: string, interval: Interval): Promise<boolean> {
  const statement = {
    name: 'millrace_is_whole',
    text: `SELECT FROM pgq.tick t JOIN pgq.queue q ON q.queue_id = t.tick_queue
      WHERE q.queue_name = $1 AND t.tick_id = $2`,
    values: [queue, interval.prev.tick],
    query_timeout: answerMs,
  };
  try {
    return (await client.query(statement)).rows.length > 0;
  } catch (error) {
    throw providerError(error, 'looking after a batch');
  }
}

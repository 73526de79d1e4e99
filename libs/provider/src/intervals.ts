import type { Readable } from 'node:stream';
import { type Position, safeInteger, type Tick } from '@millrace/model';
import { copyOut, type PgClient } from '@millrace/postgres';
import { isoTime, providerError } from './ask.ts';

/** One tick interval: the batch that ends with `tick`, and the SELECT for its events. */
export interface Interval {
  readonly prev: Position;
  readonly tick: Tick;
  /** As `batchSql`. */
  readonly sql: string;
}

interface IntervalRow {
  tick: string;
  prev_tick: string;
  fingerprint: string;
  prev_fingerprint: string;
  time: string;
  sql: string;
}

const text = `SELECT tick, prev_tick, fingerprint, prev_fingerprint, ${isoTime('tick_time')} AS time,
    millrace.batch_sql($1, prev_tick, tick) AS sql
  FROM millrace.ticks_after($1, $2, $3) ORDER BY tick`;

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
    const statement = { name: 'millrace_intervals', text, values: [queue, after, limit] };
    const { rows } = await client.query<IntervalRow>(statement);
    return rows.map((row) => ({
      prev: { tick: safeInteger(row.prev_tick), fingerprint: row.prev_fingerprint },
      tick: { tick: safeInteger(row.tick), fingerprint: row.fingerprint, time: row.time },
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

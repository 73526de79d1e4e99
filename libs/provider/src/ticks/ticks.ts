import { safeInteger, type Tick } from '@millrace/model';
import type { PgClient, Queryable } from '@millrace/postgres';
import { notifyDesiredStateSql } from '../desired-state.ts';
import { isoTime, query, queryOne } from '../query.ts';
import { runQuery } from '../statements.ts';

/** A tick just made. */
export interface MadeTick extends Tick {
  /** Event ids taken since the tick before: a hint, rollbacks and retries count. */
  readonly newEvents: number;
}

interface TickRow {
  tick: string;
  fingerprint: string;
  time: string;
}

/**
 * Makes a tick if one is due: new events, a sequence that moved, or the idle period over. Null when none is due. One
 * round trip; call it outside a transaction. Throws NOT_FOUND (queue), PROVIDER_HISTORY.
 */
export async function tick(client: Queryable, queue: string): Promise<MadeTick | null> {
  const [row] = await query<TickRow & { new_events: string }>(
    client,
    'making a tick',
    madeTickSql('millrace.tick($1)'),
    [queue],
  );
  return row === undefined ? null : madeTick(row);
}

/** Makes a tick now: all that was committed before the call is in a batch that ends with it or before. Throws as `tick`. */
export async function forceTick(client: Queryable, queue: string): Promise<MadeTick> {
  const made = madeTick(await queryOne(client, 'making a tick', madeTickSql('millrace.force_tick($1)'), [queue]));
  await query(client, 'making a tick', notifyDesiredStateSql, [queue]);
  return made;
}

/**
 * Calls back when somebody requested a token while the queue was quiet: a tick is due that one will wait for. Only news, for
 * as long as the session lives.
 */
export async function onToken(client: PgClient, queue: string, listener: () => void): Promise<void> {
  client.on('notification', ({ channel, payload }) => {
    if (channel === 'millrace_token' && payload === queue) listener();
  });
  await client.query('LISTEN millrace_token');
}

/** A token for all that is committed in the set now, for `millrace.wait_for` at a subscriber. Throws NOT_FOUND. */
export async function takeToken(client: Queryable, queue: string): Promise<string> {
  const sql = 'SELECT millrace.token($1) AS token';
  return (await queryOne<{ token: string }>(client, 'taking a token', sql, [queue])).token;
}

/** The newest tick; null when the queue has none or is not there. */
export async function lastTick(client: Queryable, queue: string): Promise<Tick | null> {
  const [row] = await query<TickRow>(client, 'reading the last tick', tickSql('millrace.last_tick($1)'), [queue]);
  return row === undefined ? null : toTick(row);
}

/** One tick as the provider knows it; null when it is not, or no longer, known. */
export async function tickInfo(client: Queryable, queue: string, number: number): Promise<Tick | null> {
  const [row] = await query<TickRow>(client, 'reading a tick', tickSql('millrace.tick_info($1, $2)'), [queue, number]);
  return row === undefined ? null : toTick(row);
}

/** Milliseconds since the first tick after `tick` was made; undefined when there is none. Throws the driver's errors. */
export async function ageOfTickAfter(client: Queryable, queue: string, tick: number): Promise<number | undefined> {
  const [row] = await runQuery<{ age_ms: string }>(client, 'next_tick', [queue, tick]);
  return row === undefined ? undefined : Math.max(0, safeInteger(row.age_ms));
}

/** The identity of the provider's cluster, part of every fingerprint. */
export async function systemIdentifier(client: Queryable): Promise<string> {
  const row = await queryOne<{ id: string }>(
    client,
    'reading the identity',
    'SELECT millrace.system_identifier() AS id',
    [],
  );
  return row.id;
}

/** The provider's cluster, and the number and name of its database there. */
export async function readInstallation(client: Queryable): Promise<{ system: string; database: string; name: string }> {
  return queryOne(
    client,
    'reading the identity',
    `SELECT millrace.system_identifier() AS system, oid::text AS database, datname::text AS name
     FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()`,
    [],
  );
}

export function madeTickSql(call: string): string {
  return `SELECT tick, fingerprint, ${isoTime('tick_time')} AS time, new_events FROM ${call}`;
}

export function madeTick(row: TickRow & { new_events: string }): MadeTick {
  return { ...toTick(row), newEvents: safeInteger(row.new_events) };
}

function tickSql(call: string): string {
  return `SELECT tick, fingerprint, ${isoTime('tick_time')} AS time FROM ${call}`;
}

function toTick(row: TickRow): Tick {
  return { tick: safeInteger(row.tick), fingerprint: row.fingerprint, time: row.time };
}

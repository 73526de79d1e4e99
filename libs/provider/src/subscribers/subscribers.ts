import { type Position, safeInteger } from '@millrace/model';
import type { Queryable } from '@millrace/postgres';
import { notifyDesiredState } from '../desired-state.ts';
import { isoTime, query, queryOne } from '../query.ts';
import { runQuery } from '../statements.ts';

/** The provider's record of a subscriber: what the queue keeps events for. */
export interface SubscriberRecord extends Position {
  readonly name: string;
  /** ISO time of the last report, null before the first. */
  readonly reportedAt: string | null;
}

/**
 * What the provider says to a reported position. ok: fits, the record is there or beyond; ahead: newer than our last
 * tick; history: that tick is another one here; unknown: older than the record and no longer kept; unregistered: no
 * such subscriber. All but ok and unregistered mean that the histories differ or the position is lost.
 */
export type ReportVerdict = 'ok' | 'ahead' | 'history' | 'unknown' | 'unregistered';

/** Registers a subscriber at a tick made now, or gives the record of one that is there. Throws NOT_FOUND (set). */
export async function registerSubscriber(client: Queryable, queue: string, name: string): Promise<Position> {
  const sql = `SELECT tick, fingerprint, ${notifyDesiredState}
    FROM (SELECT $1::text AS queue) AS q, millrace.register_subscriber($1, $2)`;
  const row = await queryOne<{ tick: string; fingerprint: string }>(client, `registering subscriber ${name}`, sql, [
    queue,
    name,
  ]);
  return { tick: safeInteger(row.tick), fingerprint: row.fingerprint };
}

/** Forgets a subscriber: nothing is kept for it any more. True forgotten, false was not there. */
export async function unregisterSubscriber(client: Queryable, queue: string, name: string): Promise<boolean> {
  const sql = `SELECT millrace.unregister_subscriber(queue, $2) AS gone, ${notifyDesiredState} FROM (SELECT $1::text AS queue) AS q`;
  return (await queryOne<{ gone: boolean }>(client, `removing subscriber ${name}`, sql, [queue, name])).gone;
}

/** All subscribers of a queue, by name. */
export async function listSubscribers(client: Queryable, queue: string): Promise<SubscriberRecord[]> {
  const sql = `SELECT name, tick, fingerprint, ${isoTime('reported_at')} AS reported_at
    FROM millrace.subscriber WHERE queue = $1 ORDER BY name`;
  const rows = await query<{ name: string; tick: string; fingerprint: string; reported_at: string | null }>(
    client,
    `reading the subscribers of ${queue}`,
    sql,
    [queue],
  );
  return rows.map((r) => ({
    name: r.name,
    tick: safeInteger(r.tick),
    fingerprint: r.fingerprint,
    reportedAt: r.reported_at,
  }));
}

/** Takes a report of what a subscriber has durably applied; the record moves forward only. */
export async function reportPosition(
  client: Queryable,
  queue: string,
  name: string,
  position: Position,
): Promise<ReportVerdict> {
  const sql = 'SELECT millrace.report_position($1, $2, $3, $4) AS verdict';
  const params = [queue, name, position.tick, position.fingerprint];
  return (await queryOne<{ verdict: ReportVerdict }>(client, `taking the report of ${name}`, sql, params)).verdict;
}

/** Whether a subscriber of that name was registered once and is not any more. Throws the driver's errors. */
export async function wasUnregistered(client: Queryable, queue: string, name: string): Promise<boolean> {
  return (await runQuery<{ was: boolean }>(client, 'was_unregistered', [queue, name]))[0]?.was === true;
}

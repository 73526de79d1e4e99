import { codes, MillraceError } from '@millrace/errors';
import { type Queryable, withTransaction } from '@millrace/postgres';
import { isoTime, query } from '../query.ts';
import { moveRetries } from './maintenance.ts';

/** An event to be put into a queue. */
export interface NewEvent {
  readonly type: string | null;
  readonly data: string | null;
  readonly extra1: string | null;
  readonly extra2: string | null;
  readonly extra3: string | null;
  readonly extra4: string | null;
}

/** An event as a consumer gets it. */
export interface QueueEvent extends NewEvent {
  readonly id: number;
  /** ISO time. */
  readonly time: string;
  readonly txid: number;
  /** How often it was put back; null: never. */
  readonly retry: number | null;
}

const fields = `ev_type AS type, ev_data AS data, ev_extra1 AS extra1, ev_extra2 AS extra2, ev_extra3 AS extra3, ev_extra4 AS extra4`;
const chunk = 1_000;
/** A peek reads at most this number of event ids. */
const farthest = 1e9;

/** Puts events into a queue, all in one transaction; their ids. */
export async function insertEvents(client: Queryable, queue: string, events: readonly NewEvent[]): Promise<number[]> {
  const sql = `SELECT pgq.insert_event($1, t.type, t.data, t.e1, t.e2, t.e3, t.e4)::float8 AS id
    FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
         WITH ORDINALITY AS t (type, data, e1, e2, e3, e4, at) ORDER BY t.at`;
  return withTransaction(client, async () => {
    const ids: number[] = [];
    for (let at = 0; at < events.length; at += chunk) {
      const part = events.slice(at, at + chunk);
      const columns = (['type', 'data', 'extra1', 'extra2', 'extra3', 'extra4'] as const).map((key) =>
        part.map((e) => e[key]),
      );
      const rows = await query<{ id: number }>(client, `writing to queue ${queue}`, sql, [queue, ...columns]);
      ids.push(...rows.map(({ id }) => id));
    }
    return ids;
  });
}

/** What of a queue is read: what a consumer has not finished yet, or the batch that ends with a tick. */
export type PeekAt = { readonly consumer: string } | { readonly tick: number };

/** Events between two ticks. */
export interface Peeked {
  /** Null: there is no tick after the consumer's. */
  readonly prevTick: number | null;
  readonly tick: number | null;
  /** The consumer's open batch. */
  readonly batch: number | null;
  readonly events: readonly QueueEvent[];
}

interface Bounds {
  readonly prevTick: number;
  readonly tick: number;
  readonly batch: number | null;
  readonly prev: string;
  readonly cur: string;
  readonly owner: number | null;
  readonly isNewest: boolean;
  readonly source: string;
}

/**
 * The first `limit` events, by id, that a consumer has not finished, up to the newest tick; or those of the batch that ends with a
 * tick. Nothing is taken: no batch is opened, nothing is locked. Throws NOT_FOUND.
 */
export async function peekEvents(client: Queryable, queue: string, at: PeekAt, limit: number): Promise<Peeked> {
  return withTransaction(
    client,
    async () => {
      // A long backlog is not sorted for its first events: ticks are taken in until they should hold enough.
      for (let wanted = limit; ; wanted *= 4) {
        const bounds = await boundsOf(client, queue, at, wanted);
        if (bounds === undefined) return { prevTick: null, tick: null, batch: null, events: [] };
        const events = await readEvents(client, queue, bounds, limit);
        const { prevTick, tick, batch, isNewest } = bounds;
        if (events.length >= limit || isNewest || wanted > farthest) return { prevTick, tick, batch, events };
      }
    },
    'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY',
  );
}

async function boundsOf(client: Queryable, queue: string, at: PeekAt, wanted: number): Promise<Bounds | undefined> {
  const byTick = 'tick' in at;
  const sql = `SELECT p.tick_id::float8 AS "prevTick", n.tick_id::float8 AS tick, s.sub_batch::float8 AS batch,
      p.tick_snapshot::text AS prev, n.tick_snapshot::text AS cur, s.sub_id AS owner,
      NOT EXISTS (SELECT FROM pgq.tick x WHERE x.tick_queue = q.queue_id AND x.tick_id > n.tick_id) OR $3 AS "isNewest",
      pgq.quote_fqname(q.queue_data_pfx) AS source
    FROM pgq.queue q
    LEFT JOIN (pgq.consumer c JOIN pgq.subscription s ON s.sub_consumer = c.co_id) ON s.sub_queue = q.queue_id AND c.co_name = $2
    CROSS JOIN LATERAL (SELECT * FROM pgq.tick x WHERE x.tick_queue = q.queue_id
        AND CASE WHEN $3 THEN x.tick_id < $4::text::bigint ELSE x.tick_id = s.sub_last_tick END ORDER BY x.tick_id DESC LIMIT 1) AS p
    CROSS JOIN LATERAL (SELECT * FROM pgq.tick x WHERE x.tick_queue = q.queue_id AND x.tick_id > p.tick_id
        AND CASE WHEN $3 THEN x.tick_id = $4::text::bigint ELSE true END
        ORDER BY x.tick_event_seq - p.tick_event_seq < $5, abs(x.tick_event_seq - p.tick_event_seq - $5), x.tick_id DESC LIMIT 1) AS n
    WHERE q.queue_name = $1`;
  const values = [queue, byTick ? null : at.consumer, byTick, byTick ? String(at.tick) : null, wanted];
  const [row] = await query<Bounds>(client, `looking into queue ${queue}`, sql, values);
  return row;
}

async function readEvents(client: Queryable, queue: string, bounds: Bounds, limit: number): Promise<QueueEvent[]> {
  const { prev, cur, owner, source } = bounds;
  const sql = `SELECT ev_id::float8 AS id, ${isoTime('ev_time')} AS time, ev_txid::float8 AS txid, ev_retry AS retry, ${fields}
    FROM ${source}
    WHERE ev_txid >= txid_snapshot_xmin($1::txid_snapshot) AND ev_txid < txid_snapshot_xmax($2::txid_snapshot)
      AND txid_visible_in_snapshot(ev_txid, $2::txid_snapshot) AND NOT txid_visible_in_snapshot(ev_txid, $1::txid_snapshot)
      AND (ev_owner IS NULL OR ev_owner = $3)
    ORDER BY ev_id LIMIT $4`;
  return query<QueueEvent>(client, `reading queue ${queue}`, sql, [prev, cur, owner, limit]);
}

/** An event that waits to be put back, for one consumer. */
export interface RetryEvent extends NewEvent {
  readonly id: number;
  readonly time: string;
  /** How often it will have been put back. */
  readonly retry: number | null;
  /** ISO time: not before. */
  readonly retryAt: string;
}

/** Events that wait to be put back for a consumer, the next one first. Throws NOT_FOUND when it is not registered. */
export async function listRetries(
  client: Queryable,
  queue: string,
  consumer: string,
  limit: number,
): Promise<RetryEvent[]> {
  const owner = await ownerOf(client, queue, consumer);
  const sql = `SELECT ev_id::float8 AS id, ${isoTime('ev_time')} AS time, ev_retry AS retry,
      ${isoTime('ev_retry_after')} AS "retryAt", ${fields}
    FROM pgq.retry_queue WHERE ev_owner = $1 ORDER BY ev_retry_after, ev_id LIMIT $2`;
  return query<RetryEvent>(client, 'reading the retry queue', sql, [owner, limit]);
}

/**
 * Puts events of a consumer back into their queue now, all or those with these ids, and with them whatever else is due. How many of
 * its own; ids that do not wait are passed over. Throws NOT_FOUND.
 */
export async function releaseRetries(
  client: Queryable,
  { queue, consumer, ids }: { queue: string; consumer: string; ids?: readonly number[] },
): Promise<number> {
  const owner = await ownerOf(client, queue, consumer);
  const sql = `UPDATE pgq.retry_queue SET ev_retry_after = least(ev_retry_after, now())
    WHERE ev_owner = $1 AND ($2::bigint[] IS NULL OR ev_id = ANY ($2)) RETURNING 1`;
  const released = await query(client, 'putting events back', sql, [owner, ids ?? null]);
  await moveRetries(client);
  return released.length;
}

async function ownerOf(client: Queryable, queue: string, consumer: string): Promise<number> {
  const sql = `SELECT s.sub_id AS owner FROM pgq.subscription s JOIN pgq.queue q ON q.queue_id = s.sub_queue
    JOIN pgq.consumer c ON c.co_id = s.sub_consumer WHERE q.queue_name = $1 AND c.co_name = $2`;
  const [row] = await query<{ owner: number }>(client, 'looking for a consumer', sql, [queue, consumer]);
  if (row !== undefined) return row.owner;
  throw new MillraceError(codes.NOT_FOUND, `queue ${queue} has no consumer ${JSON.stringify(consumer)}`, {
    advice: 'see `millrace consumer list`',
  });
}

import type { Queryable } from '@millrace/postgres';
import { isoTime, query } from '../query.ts';
import { type PgqState, pgqState } from './pgq-state.ts';

/** A queue, its settings, and how it is doing. Intervals are PostgreSQL's text: `02:00:00`. */
export interface QueueRecord {
  readonly name: string;
  /** It carries the tables of a set; its own ticker serves it. */
  readonly isSet: boolean;
  readonly tables: number;
  readonly currentTable: number;
  /** Null: event tables are never rotated. */
  readonly rotationPeriod: string | null;
  /** ISO time of the last rotation. */
  readonly rotatedAt: string;
  readonly externalTicker: boolean;
  readonly tickerPaused: boolean;
  readonly tickerMaxCount: number;
  readonly tickerMaxLag: string;
  readonly tickerIdlePeriod: string;
  /** Null: it has no tick. */
  readonly lastTick: number | null;
  readonly tickAgeMs: number | null;
  /** Event ids taken since that tick; a hint. */
  readonly newEvents: number | null;
  /** Event ids taken so far; a hint. */
  readonly eventId: number | null;
  /** Over the last 20 ticks; null where they were made at one moment. */
  readonly eventsPerSecond: number | null;
}

/** Where a consumer stands. */
export interface ConsumerRecord {
  readonly queue: string;
  readonly name: string;
  /** Null: a subconsumer without a batch. */
  readonly lastTick: number | null;
  /** The open batch, and the tick it ends with. */
  readonly batch: number | null;
  readonly nextTick: number | null;
  /** Age of its last tick. */
  readonly lagMs: number | null;
  /** Since it last took or finished a batch. */
  readonly seenMs: number | null;
  /** Event ids taken between its last tick and the queue's newest; a hint. */
  readonly pendingEvents: number | null;
  /** Event ids taken up to its last tick; a hint. */
  readonly eventId: number | null;
}

/** Queues by name, or the one. Takes PgQ's extension as well as our schema. */
export async function listQueues(
  client: Queryable,
  queue: string | null = null,
  known?: PgqState,
): Promise<QueueRecord[]> {
  const { millrace } = known ?? (await pgqState(client));
  const isSet = millrace ? 'EXISTS (SELECT FROM millrace.set s WHERE s.queue_id = q.queue_id)' : 'false';
  const sql = `SELECT i.queue_name AS name, ${isSet} AS "isSet", i.queue_ntables AS tables, i.queue_cur_table AS "currentTable",
      i.queue_rotation_period::text AS "rotationPeriod", ${isoTime('i.queue_switch_time')} AS "rotatedAt",
      i.queue_external_ticker AS "externalTicker", i.queue_ticker_paused AS "tickerPaused",
      i.queue_ticker_max_count AS "tickerMaxCount", i.queue_ticker_max_lag::text AS "tickerMaxLag",
      i.queue_ticker_idle_period::text AS "tickerIdlePeriod", i.last_tick_id::float8 AS "lastTick",
      ${milliseconds('i.ticker_lag')} AS "tickAgeMs", i.ev_new::float8 AS "newEvents",
      (t.tick_event_seq + i.ev_new)::float8 AS "eventId", i.ev_per_sec AS "eventsPerSecond"
    FROM pgq.get_queue_info() i
    JOIN pgq.queue q ON q.queue_name = i.queue_name
    LEFT JOIN pgq.tick t ON t.tick_queue = q.queue_id AND t.tick_id = i.last_tick_id
    WHERE $1::text IS NULL OR i.queue_name = $1
    ORDER BY i.queue_name`;
  return query<QueueRecord>(client, 'reading the queues', sql, [queue]);
}

/** Consumers by queue and name; of all queues, or of one. */
export async function listConsumers(client: Queryable, queue: string | null = null): Promise<ConsumerRecord[]> {
  const sql = `SELECT i.queue_name AS queue, i.consumer_name AS name, i.last_tick::float8 AS "lastTick",
      i.current_batch::float8 AS batch, i.next_tick::float8 AS "nextTick", ${milliseconds('i.lag')} AS "lagMs",
      ${milliseconds('i.last_seen')} AS "seenMs", i.pending_events::float8 AS "pendingEvents", t.tick_event_seq::float8 AS "eventId"
    FROM pgq.get_consumer_info() i
    JOIN pgq.queue q ON q.queue_name = i.queue_name
    LEFT JOIN pgq.tick t ON t.tick_queue = q.queue_id AND t.tick_id = i.last_tick
    WHERE $1::text IS NULL OR i.queue_name = $1
    ORDER BY i.queue_name, i.consumer_name`;
  return query<ConsumerRecord>(client, 'reading the consumers', sql, [queue]);
}

function milliseconds(interval: string): string {
  return `greatest(0, round((extract(epoch FROM ${interval}) * 1000)::numeric))::float8`;
}

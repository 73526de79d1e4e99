// Queues, consumers and events as documents of `--json`.
import type { ConsumerRecord, QueueEvent, QueueRecord, RetryEvent } from '@millrace/provider';
import { z } from 'zod';

const interval = z.string().describe('as PostgreSQL writes intervals: 02:00:00');

export const consumerDocument = z.strictObject({
  queue: z.string(),
  name: z.string(),
  subscriber: z.string().nullable().describe('the subscriber of Millrace whose consumer it is'),
  last_tick: z.number().nullable().describe('up to which it has finished; null: a subconsumer'),
  batch: z.number().nullable().describe('the batch it has open'),
  next_tick: z.number().nullable().describe('where that batch ends'),
  lag_ms: z.number().nullable().describe('age of its last tick'),
  seen_ms: z.number().nullable().describe('since it took or finished a batch'),
  pending_events: z.number().nullable().describe('up to the newest tick; a hint'),
  event_id: z.number().nullable().describe('event ids taken up to its last tick; a hint'),
});

export const queueDocument = z.strictObject({
  database: z.string(),
  name: z.string(),
  set: z.boolean().describe('it carries the tables of a set'),
  event_tables: z.int(),
  current_table: z.int(),
  rotation_period: interval.nullable().describe('null: event tables are never rotated'),
  rotated_at: z.string(),
  external_ticker: z.boolean().describe('its ticks are made elsewhere'),
  ticker_paused: z.boolean(),
  ticker_max_count: z.int(),
  ticker_max_lag: interval,
  ticker_idle_period: interval,
  last_tick: z.number().nullable(),
  tick_age_ms: z.number().nullable(),
  new_events: z.number().nullable().describe('since that tick; a hint'),
  event_id: z.number().nullable().describe('event ids taken so far; a hint'),
  events_per_s: z.number().nullable().describe('over the last 20 ticks'),
  consumers: z.array(consumerDocument),
});

export type QueueDocument = z.infer<typeof queueDocument>;
export type ConsumerDocument = z.infer<typeof consumerDocument>;

export const eventDocument = z.strictObject({
  id: z.number(),
  time: z.string(),
  txid: z.number(),
  retry: z.number().nullable().describe('how often it was put back'),
  type: z.string().nullable(),
  data: z.string().nullable(),
  extra1: z.string().nullable(),
  extra2: z.string().nullable(),
  extra3: z.string().nullable(),
  extra4: z.string().nullable(),
});

export const retryDocument = eventDocument.omit({ txid: true }).extend({ retry_at: z.string().describe('not before') });

export function queueOf(database: string, queue: QueueRecord, consumers: readonly ConsumerRecord[]): QueueDocument {
  return {
    database,
    name: queue.name,
    set: queue.isSet,
    event_tables: queue.tables,
    current_table: queue.currentTable,
    rotation_period: queue.rotationPeriod,
    rotated_at: queue.rotatedAt,
    external_ticker: queue.externalTicker,
    ticker_paused: queue.tickerPaused,
    ticker_max_count: queue.tickerMaxCount,
    ticker_max_lag: queue.tickerMaxLag,
    ticker_idle_period: queue.tickerIdlePeriod,
    last_tick: queue.lastTick,
    tick_age_ms: queue.tickAgeMs,
    new_events: queue.newEvents,
    event_id: queue.eventId,
    events_per_s: queue.eventsPerSecond,
    consumers: consumers.filter((one) => one.queue === queue.name).map((one) => consumerOf(one, queue.isSet)),
  };
}

function consumerOf(one: ConsumerRecord, isSet: boolean): ConsumerDocument {
  const own = 'millrace.';
  return {
    queue: one.queue,
    name: one.name,
    subscriber: isSet && one.name.startsWith(own) ? one.name.slice(own.length) : null,
    last_tick: one.lastTick,
    batch: one.batch,
    next_tick: one.nextTick,
    lag_ms: one.lagMs,
    seen_ms: one.seenMs,
    pending_events: one.pendingEvents,
    event_id: one.eventId,
  };
}

export function eventOf({ id, time, txid, retry, ...rest }: QueueEvent): z.infer<typeof eventDocument> {
  return { id, time, txid, retry, ...fieldsOf(rest) };
}

export function retryOf({ id, time, retry, retryAt, ...rest }: RetryEvent): z.infer<typeof retryDocument> {
  return { id, time, retry, ...fieldsOf(rest), retry_at: retryAt };
}

type Fields = Pick<QueueEvent, 'type' | 'data' | 'extra1' | 'extra2' | 'extra3' | 'extra4'>;

function fieldsOf({ type, data, extra1, extra2, extra3, extra4 }: Fields): Fields {
  return { type, data, extra1, extra2, extra3, extra4 };
}

// Queues, consumers and events for people.
import { showDuration } from '../command/duration.ts';
import { alignColumns, showCount } from '../command/show.ts';
import type { ConsumerDocument, QueueDocument } from './documents.ts';

/** A line a queue; with the database where there are several. */
export function showQueues(
  queues: readonly QueueDocument[],
  { rate }: { rate?: (queue: QueueDocument) => number | null } = {},
): string {
  const several = new Set(queues.map(({ database }) => database)).size > 1;
  const head = ['QUEUE', 'TICK', 'AGE', 'NEW', 'EVENTS/S', 'CONSUMERS', 'TICKER'];
  const rows = queues.map((queue) => [
    queue.name,
    showCount(queue.last_tick),
    showDuration(queue.tick_age_ms),
    showCount(queue.new_events),
    showRate(rate === undefined ? queue.events_per_s : rate(queue)),
    showCount(queue.consumers.length),
    tickerOf(queue),
  ]);
  const lead = (cells: string[], at: number) => [at === 0 ? 'DATABASE' : (queues[at - 1]?.database ?? ''), ...cells];
  return alignColumns([head, ...rows].map((cells, at) => (several ? lead(cells, at) : cells)));
}

/** A line a consumer. */
export function showConsumers(
  consumers: readonly ConsumerDocument[],
  { rate }: { rate?: (consumer: ConsumerDocument) => number | null } = {},
): string {
  const head = ['QUEUE', 'CONSUMER', 'LAG', 'PENDING', 'SEEN', 'TICK', 'BATCH'];
  const rows = consumers.map((one) => [
    one.queue,
    one.subscriber === null ? one.name : `${one.name} (subscriber)`,
    showDuration(one.lag_ms),
    showCount(one.pending_events),
    showDuration(one.seen_ms),
    showCount(one.last_tick),
    showCount(one.batch),
  ]);
  if (rate === undefined) return alignColumns([head, ...rows]);
  const rates = ['EVENTS/S', ...consumers.map((one) => showRate(rate(one)))];
  return alignColumns([head, ...rows].map((cells, at) => [...cells.slice(0, 4), rates[at] ?? '', ...cells.slice(4)]));
}

/** Who ticks it, and by which rule. */
function tickerOf(queue: QueueDocument): string {
  if (queue.set) return 'of the set';
  if (queue.external_ticker) return 'external';
  if (queue.ticker_paused) return 'paused';
  return `${queue.ticker_max_count} events / ${queue.ticker_max_lag} / ${queue.ticker_idle_period}`;
}

function showRate(rate: number | null): string {
  if (rate === null) return '-';
  return rate < 10 ? rate.toFixed(1) : Math.round(rate).toLocaleString('en-US');
}

/** A queue's settings, a line each. */
export function showSettings(queue: Readonly<Record<string, unknown>>): string {
  return Object.entries(queue)
    .map(([key, value]) => `${key}=${value === null ? 'never' : String(value)}`)
    .join('\n');
}

interface ShownEvent {
  readonly id: number;
  readonly time: string;
  readonly retry: number | null;
  readonly type: string | null;
  readonly data: string | null;
}

const maxWidth = 100;

/** A line an event; long data is cut. `more` gives a column. */
export function showEvents<E extends ShownEvent>(
  events: readonly E[],
  more: readonly [string, (event: E) => string],
): string {
  const rows = events.map((event) => [
    String(event.id),
    event.time,
    more[1](event),
    event.retry === null ? '-' : String(event.retry),
    oneLine(event.type),
    oneLine(event.data),
  ]);
  return alignColumns([['ID', 'TIME', more[0], 'RETRY', 'TYPE', 'DATA'], ...rows]);
}

/** Without control characters: whoever may write events is not to write to the operator's terminal. */
function oneLine(data: string | null): string {
  if (data === null) return '-';
  const line = data.replaceAll(/[\s\p{Cc}]+/gu, ' ');
  return line.length <= maxWidth ? line : `${line.slice(0, maxWidth)} …`;
}

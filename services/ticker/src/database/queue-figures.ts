// The state of the queues and consumers of the databases that this process leads, when it was last read, as metrics. What is gone from the
// database is gone from the metrics.
import type { ConsumerRecord, QueueRecord, Rates } from '@millrace/provider';
import { type Observation, observedGauge } from '@millrace/telemetry';

export interface QueueFigures {
  readonly queues: readonly QueueRecord[];
  readonly consumers: readonly ConsumerRecord[];
  readonly rates: Rates;
}

const figures = new Map<string, QueueFigures>();

/** Shows these from now on. */
export function noteFigures(database: string, found: QueueFigures): void {
  figures.set(database, found);
}

/** Another process leads, or nobody does. */
export function forgetFigures(database: string): void {
  figures.delete(database);
}

observedGauge('millrace_queue_tick_age_seconds', 'Age of the newest tick of a queue', () =>
  ofQueues(({ tickAgeMs }) => seconds(tickAgeMs)),
);
observedGauge('millrace_queue_new_events', 'Events of a queue since its newest tick, estimated from event ids', () =>
  ofQueues(({ newEvents }) => newEvents),
);
observedGauge('millrace_queue_events_per_second', 'Events put into a queue between the last two readings', () =>
  ofQueues(({ name }, rates) => rates.queue(name)),
);
observedGauge('millrace_consumer_lag_seconds', 'Age of the last tick that a consumer has', () =>
  ofConsumers(({ lagMs }) => seconds(lagMs)),
);
observedGauge(
  'millrace_consumer_pending_events',
  'Events between a consumer and the newest tick, estimated from event ids',
  () => ofConsumers(({ pendingEvents }) => pendingEvents),
);
observedGauge('millrace_consumer_seen_seconds', 'Time since a consumer took or finished a batch', () =>
  ofConsumers(({ seenMs }) => seconds(seenMs)),
);
observedGauge('millrace_consumer_events_per_second', 'Events a consumer got between the last two readings', () =>
  ofConsumers(({ queue, name }, rates) => rates.consumer(queue, name)),
);

function ofQueues(value: (queue: QueueRecord, rates: Rates) => number | null): Observation[] {
  return [...figures].flatMap(([database, { queues, rates }]) =>
    queues.flatMap((queue) => observed(value(queue, rates), { database, queue: queue.name })),
  );
}

function ofConsumers(value: (consumer: ConsumerRecord, rates: Rates) => number | null): Observation[] {
  return [...figures].flatMap(([database, { consumers, rates }]) =>
    consumers.flatMap((one) => observed(value(one, rates), { database, queue: one.queue, consumer: one.name })),
  );
}

function observed(value: number | null, labels: Record<string, string>): Observation[] {
  return value === null ? [] : [[value, labels]];
}

function seconds(ms: number | null): number | null {
  return ms === null ? null : ms / 1_000;
}

import type { ConsumerRecord, QueueRecord } from './queue-list.ts';

/** Events a second since the sample before; null at the first sample. */
export interface Rates {
  queue(name: string): number | null;
  consumer(queue: string, name: string): number | null;
}

interface Sample {
  readonly at: number;
  readonly ids: ReadonlyMap<string, number>;
}

/** Gives, from one sample at queues and consumers to the next, how many events went in and out. */
export class RateMeter {
  #last: Sample | undefined;

  /** `now`: milliseconds of any clock that does not jump. */
  add(
    queues: readonly Pick<QueueRecord, 'name' | 'eventId'>[],
    consumers: readonly Pick<ConsumerRecord, 'queue' | 'name' | 'eventId'>[],
    now: number,
  ): Rates {
    const ids = new Map<string, number>();
    for (const { name, eventId } of queues) if (eventId !== null) ids.set(keyOf(name), eventId);
    for (const { queue, name, eventId } of consumers) if (eventId !== null) ids.set(keyOf(queue, name), eventId);
    const before = this.#last;
    const sample = { at: now, ids };
    this.#last = sample;
    return {
      queue: (name) => rateOf(before, sample, keyOf(name)),
      consumer: (queue, name) => rateOf(before, sample, keyOf(queue, name)),
    };
  }
}

function rateOf(before: Sample | undefined, sample: Sample, key: string): number | null {
  const [from, to] = [before?.ids.get(key), sample.ids.get(key)];
  if (before === undefined || from === undefined || to === undefined || sample.at <= before.at) return null;
  // A consumer that was set back gets nothing at this moment.
  return Math.max(0, ((to - from) * 1_000) / (sample.at - before.at));
}

function keyOf(...names: string[]): string {
  return JSON.stringify(names);
}

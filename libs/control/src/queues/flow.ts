import { RateMeter } from '@millrace/provider';
import type { ConsumerDocument, QueueDocument } from './documents.ts';

/** Events per second, in and out, from one reading of several databases to the next. */
export class Flow {
  readonly #meters = new Map<string, RateMeter>();

  /** `now`: milliseconds of any clock that does not jump. */
  add(queues: readonly QueueDocument[], now: number) {
    const rates = new Map(
      [...new Set(queues.map(({ database }) => database))].map((database) => {
        const here = queues.filter((queue) => queue.database === database);
        return [
          database,
          this.#meter(database).add(
            here.map(idOf),
            here.flatMap(({ consumers }) => consumers.map(idOf)),
            now,
          ),
        ];
      }),
    );
    const databaseOf = new Map(
      queues.flatMap(({ database, consumers }) => consumers.map((one) => [one, database] as const)),
    );
    return {
      queueRate: ({ database, name }: QueueDocument) => rates.get(database)?.queue(name) ?? null,
      consumerRate: (one: ConsumerDocument) =>
        rates.get(databaseOf.get(one) ?? '')?.consumer(one.queue, one.name) ?? null,
    };
  }

  #meter(database: string): RateMeter {
    const meter = this.#meters.get(database) ?? new RateMeter();
    this.#meters.set(database, meter);
    return meter;
  }
}

function idOf<T extends { readonly event_id: number | null }>(one: T): T & { eventId: number | null } {
  return { ...one, eventId: one.event_id };
}

// Events of a batch that are not done: to be retried, or dead. Written in the transaction that finishes the batch.

import { type Queryable, queryRows, queryValue } from '../database.ts';
import { QueueError, queueCodes } from '../errors.ts';
import type { RawEvent } from '../events/event.ts';
import * as sql from '../sql.ts';
import type { BatchInfo, Reader } from './batch-source.ts';

/** The queue that holds a queue's dead letters. */
export const deadQueueOf = (queue: string): string => `${queue}.dead`;

/** Longest reason kept, characters. */
const REASON_LENGTH = 2_000;

interface Letter {
  readonly raw: RawEvent;
  readonly reason: string;
}

/** What a dead letter's third extra holds, JSON. */
export interface LetterNote {
  readonly consumer: string;
  readonly attempt: number;
  readonly time: string | null;
  readonly extra: RawEvent['extra'];
}

export class SetAside {
  #retries = new Map<string, number>();
  #dead = new Map<string, Letter>();

  get size(): number {
    return this.#retries.size + this.#dead.size;
  }

  get retryIds(): string[] {
    return [...this.#retries.keys()];
  }

  get deadIds(): string[] {
    return [...this.#dead.keys()];
  }

  /** The last word about an event counts. */
  retry(id: string, delayMs: number): void {
    this.#dead.delete(id);
    this.#retries.set(id, Math.max(0, delayMs));
  }

  dead(raw: RawEvent, reason: string): void {
    this.#retries.delete(raw.id);
    this.#dead.set(raw.id, { raw, reason: reason.slice(0, REASON_LENGTH) });
  }

  /** Writes what is gathered, and forgets it. Throws NO_DEAD_LETTER_QUEUE. */
  async write(client: Queryable, { queue, consumer }: Reader, batch: BatchInfo): Promise<void> {
    // Taken out before anything is waited for: handlers that work meanwhile set more aside.
    const [retries, dead] = [this.#retries, this.#dead];
    this.#retries = new Map();
    this.#dead = new Map();
    if (retries.size > 0) {
      const values = [batch.id, [...retries.keys()], [...retries.values()]];
      await queryRows(client, `putting events of queue ${queue} off`, sql.retryEvents, values);
    }
    if (dead.size > 0) await this.#writeDead(client, { queue, consumer }, [...dead.values()]);
  }

  async #writeDead(
    client: Queryable,
    { queue, consumer }: Pick<Reader, 'queue' | 'consumer'>,
    letters: readonly Letter[],
  ): Promise<void> {
    const dead = deadQueueOf(queue);
    if ((await queryValue(client, 'checking for the dead letter queue', sql.queueExists, [dead])) === null) {
      throw new QueueError(
        queueCodes.NO_DEAD_LETTER_QUEUE,
        `an event is to be set aside, and there is no queue ${dead}`,
        {
          advice: 'queue.create makes it; the batch stays open until then',
        },
      );
    }
    await queryRows(client, `setting events of queue ${queue} aside`, sql.insertEvents, [
      dead,
      letters.map(({ raw }) => raw.type),
      letters.map(({ raw }) => raw.data),
      letters.map(({ reason }) => reason),
      letters.map(({ raw }) => raw.id),
      letters.map(({ raw }) => JSON.stringify(noteOf(raw, consumer))),
      letters.map(({ raw }) => raw.extra[3]),
    ]);
  }
}

function noteOf(raw: RawEvent, consumer: string): LetterNote {
  return { consumer, attempt: raw.retry + 1, time: raw.time, extra: raw.extra };
}

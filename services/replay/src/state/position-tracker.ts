// Where this subscriber is: read from the database, then moved with each commit, and read again after a failure.
import type { Tick } from '@millrace/model';
import type { PgClient } from '@millrace/postgres';
import { readPosition, requireInstalled, type StoredPosition } from '@millrace/subscriber';
import { answerOf } from './answer.ts';
import { noPosition, otherName } from './position-errors.ts';

export interface PositionOptions {
  readonly queue: string;
  readonly subscriber: string;
  readonly client: PgClient;
  /** Called with every position that was read. */
  readonly onRead: (position: StoredPosition) => void;
}

export class PositionTracker {
  readonly #options: PositionOptions;
  #position: StoredPosition | undefined;

  constructor(options: PositionOptions) {
    this.#options = options;
  }

  /** Throws NOT_INSTALLED, or POSITION when there is no row or it belongs to another subscriber. */
  async current(): Promise<StoredPosition> {
    if (this.#position !== undefined) return this.#position;
    const { client, queue, subscriber } = this.#options;
    await answerOf(requireInstalled(client));
    const found = await answerOf(readPosition(client, queue));
    if (found === undefined) throw noPosition(queue);
    if (found.subscriber !== subscriber) throw otherName(found, this.#options);
    this.#position = found;
    this.#options.onRead(found);
    return found;
  }

  /** Batches up to this tick are committed. Returns the new position; undefined when it was forgotten meanwhile. */
  moved(to: Tick, batches: number): StoredPosition | undefined {
    if (this.#position === undefined) return undefined;
    this.#position = {
      ...this.#position,
      tick: to.tick,
      fingerprint: to.fingerprint,
      tickTime: to.time,
      appliedAt: new Date().toISOString(),
      batches: this.#position.batches + batches,
    };
    return this.#position;
  }

  /** It may have moved: it is read again. */
  forget(): void {
    this.#position = undefined;
  }
}

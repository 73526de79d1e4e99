// A batch in a consumer's hands: its events decoded, what does not fit set aside, finished or given back.

import { QueueError, queueCodes } from '../errors.ts';
import type { Codec } from '../events/codec.ts';
import { type QueueEvent, type RawEvent, rowOf, toEvent } from '../events/event.ts';
import type { BatchInfo } from './batch-source.ts';
import type { Work } from './work.ts';

/** How long until a retried event comes again, milliseconds; the ticker's retry period is added. */
export interface RetryOptions {
  readonly afterMs?: number;
}

export interface BatchPlan {
  readonly queue: string;
  readonly codec: Codec;
  readonly invalid: 'dead-letter' | 'stop';
  readonly unknownTypes: 'dead-letter' | 'skip';
  readonly delayMs: (attempt: number) => number;
  readonly info: BatchInfo;
  readonly work: Work;
  readonly signal: AbortSignal;
}

/** The events between two ticks, as `for await` gives them. Asking for the next batch finishes this one. */
export class Batch<Event extends QueueEvent = QueueEvent, Client = undefined> implements AsyncIterable<Event> {
  readonly info: BatchInfo;
  readonly #plan: BatchPlan;
  #state: 'open' | 'finished' | 'abandoned' = 'open';

  constructor(plan: BatchPlan) {
    this.#plan = plan;
    this.info = plan.info;
  }

  /** Aborted when the work is to end, or another process has the batch by now. */
  get signal(): AbortSignal {
    return this.#plan.signal;
  }

  /** Exactly once: the client inside the transaction that finishes the batch. Undefined else. */
  get client(): Client {
    return this.#plan.work.client() as Client;
  }

  get isOpen(): boolean {
    return this.#state === 'open';
  }

  /** Events in order, read on demand; to be gone through once. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Event> {
    for await (const piece of this.#plan.work.pieces()) {
      for (const raw of piece) {
        this.#plan.signal.throwIfAborted();
        const event = this.#decode(raw);
        if (event !== undefined) yield event as Event;
      }
    }
  }

  /** The event comes again, to this consumer only, in a later batch. */
  retry(event: Event, { afterMs }: RetryOptions = {}): void {
    const raw = this.#rawOf(event);
    this.#plan.work.setAside.retry(raw.id, afterMs ?? this.#plan.delayMs(event.attempt));
  }

  /** The event goes to the queue of dead letters with this reason. */
  deadLetter(event: Event, reason: string): void {
    this.#plan.work.setAside.dead(this.#rawOf(event), reason);
  }

  /** Finishes the batch now, so that the loop may be left. Throws BATCH_LOST. */
  async finish(): Promise<void> {
    if (this.#state !== 'open') return;
    try {
      await this.#plan.work.finish();
      this.#state = 'finished';
    } catch (error) {
      await this.abandon();
      throw error;
    }
  }

  /** Gives the batch back: it comes again. What was done exactly once is rolled back. */
  async abandon(): Promise<void> {
    if (this.#state !== 'open') return;
    this.#state = 'abandoned';
    await this.#plan.work.abandon();
  }

  #rawOf(event: Event): RawEvent {
    const raw = rowOf(event);
    if (raw !== undefined && this.isOpen) return raw;
    throw new QueueError(
      queueCodes.USAGE,
      `event ${event.id} was not read from this batch, or the batch is not open any more`,
    );
  }

  #decode(raw: RawEvent): QueueEvent | undefined {
    const { codec, unknownTypes, invalid, work, queue } = this.#plan;
    const decoded = codec.decode(raw.type, raw.data);
    if (decoded.ok) return toEvent(raw, decoded.payload);
    if (decoded.unknownType && unknownTypes === 'skip') return undefined;
    if (invalid === 'stop') {
      throw new QueueError(queueCodes.BAD_PAYLOAD, `event ${raw.id} of queue ${queue}: ${decoded.reason}`);
    }
    work.setAside.dead(raw, decoded.reason);
    return undefined;
  }
}

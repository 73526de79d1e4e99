import type pg from 'pg';
import type { Collect } from '../batch/batch-source.ts';
import type { PieceLimits } from '../batch/piece-size.ts';
import type { Database } from '../database.ts';
import { QueueError, queueCodes } from '../errors.ts';
import type { WakeSource } from './wake.ts';

/** What happens to an event whose handler throws. */
export interface RetryPolicy {
  /** So often an event is given again before it becomes a dead letter. Default 5; Infinity: for ever. */
  readonly max?: number;
  /** Delay before the attempt that follows attempt 1, 2 …, milliseconds. Default 1 s, doubled each time, at most 1 h. */
  readonly delayMs?: (attempt: number) => number;
}

/** Exactly once into another database. */
export interface IntoDatabase {
  readonly into: pg.Pool;
  /** consumer_id in pgq_ext there. Default `QUEUE/CONSUMER`; give one when queues of several databases have that name. */
  readonly id?: string;
}

export interface ConsumerOptions {
  /** Name of the consumer: it has a position of its own and sees every event. */
  readonly name: string;
  /** A pool: one session of it is used, and another after a lost one. A client: used alone; when it is lost, so is the run. */
  readonly database: Database;
  /**
   * Left out: at least once; the handler gets no client. true: the handler's `client` is inside the transaction that finishes
   * the batch. { into }: the same for another database, which needs schema pgq_ext.
   */
  readonly exactlyOnce?: true | IntoDatabase;
  /** One of several that share this consumer's stream, each taking whole batches (pgq_coop); its own, stable name. */
  readonly subconsumer?: string;
  /** Silence after which another subconsumer's batch is taken over, milliseconds. Default: never. Needs a pool. */
  readonly takeOverAfterMs?: number;
  /** Only events of these types; the server leaves the others out. Default: all, or those that have a handler. */
  readonly types?: readonly string[];
  readonly retries?: RetryPolicy;
  /** An event whose payload does not fit. Default dead-letter; stop: the run ends with BAD_PAYLOAD, the batch stays open. */
  readonly invalid?: 'dead-letter' | 'stop';
  /** An event of a type that the queue's definition lacks. Default dead-letter. */
  readonly unknownTypes?: 'dead-letter' | 'skip';
  /** Concurrent handlers within a batch, at-least-once delivery only. Default 1: in order. */
  readonly concurrency?: number;
  readonly collect?: Collect;
  /** Pauses between polls while nothing notifies of ticks, milliseconds. Default 50, doubled up to 1,000. */
  readonly poll?: { readonly minMs?: number; readonly maxMs?: number };
  /** More news of ticks, such as the bus. */
  readonly wake?: WakeSource;
  /**
   * The database is reached through a pooler that gives every transaction another session: no LISTEN, and no lock that lets
   * one of several processes work while the others are on standby. Default false.
   */
  readonly pooler?: boolean;
  /** How much of a batch is held in memory. Default about 1 MiB of text, at most 500 events. */
  readonly memory?: Partial<PieceLimits>;
  /** Register the consumer, when it is new, at the newest tick. Default true. */
  readonly register?: boolean;
  /** Called for every fault that the run survives, and for every failed event. Must not throw. */
  readonly onError?: (error: Error, event?: { readonly id: bigint; readonly attempt: number }) => void;
}

const positive = (value: number | undefined): boolean => value === undefined || value > 0;

/** Throws USAGE for what cannot work together. */
export function checkOptions(options: ConsumerOptions): void {
  const { exactlyOnce, subconsumer, takeOverAfterMs, concurrency, database, poll, memory } = options;
  const refuse = (message: string, advice: string): never => {
    throw new QueueError(queueCodes.USAGE, message, { advice });
  };
  if (options.name === '') refuse('a consumer needs a name', 'it keeps its position under it');
  if (takeOverAfterMs !== undefined) {
    if (subconsumer === undefined) refuse('takeOverAfterMs is for subconsumers', 'give subconsumer a name too');
    if (!('totalCount' in database))
      refuse('taking over needs a pool', 'signs of life go through a session of their own');
    if (typeof exactlyOnce === 'object') {
      refuse(
        'a batch that is taken over gets another number, so another database cannot know it again',
        'leave out takeOverAfterMs, or write to the queue’s own database',
      );
    }
  }
  if (concurrency !== undefined && concurrency > 1 && exactlyOnce !== undefined) {
    refuse('handlers of one transaction run one after another', 'leave out concurrency, or use subconsumers');
  }
  for (const value of [takeOverAfterMs, concurrency, poll?.minMs, poll?.maxMs, memory?.characters, memory?.events]) {
    if (!positive(value)) refuse('times, counts and sizes are above 0', 'see ConsumerOptions');
  }
}

export const defaultDelay = (attempt: number): number => Math.min(3_600_000, 1_000 * 2 ** (attempt - 1));

// A consumer of one queue: a position of its own, batches or a handler for each event.
import type pg from 'pg';
import { Batch } from '../batch/batch.ts';
import type { BatchInfo, Reader } from '../batch/batch-source.ts';
import { OtherDatabaseWork } from '../batch/other-database-work.ts';
import { defaultLimits, PieceSizer } from '../batch/piece-size.ts';
import { PlainWork, SameDatabaseWork, type Work } from '../batch/work.ts';
import { isPool, type Queryable, queryRows, queryValue } from '../database.ts';
import { asQueueError, QueueError, queueCodes } from '../errors.ts';
import type { Codec } from '../events/codec.ts';
import type { QueueEvent } from '../events/event.ts';
import * as sql from '../sql.ts';
import { ConsumerSession, register } from './consumer-session.ts';
import { type Handler, handleBatch } from './handle.ts';
import { Heartbeat } from './heartbeat.ts';
import { type ConsumerOptions, checkOptions, defaultDelay } from './options.ts';
import { Waiter } from './wake.ts';

/** One handler for all events, or one for each type: then only events of these types are read. */
export type Handlers<Event extends QueueEvent, Client> =
  | Handler<Event, Client>
  | { readonly [Type in Event['type'] & string]?: Handler<Extract<Event, { type: Type }>, Client> };

/** Where to go: a tick, a moment, or an end of what the queue still has. */
export type SeekTo = 'oldest' | 'newest' | { readonly tick: bigint | number } | { readonly time: Date };

/** How far a consumer is. */
export interface ConsumerInfo {
  /** Age of its position's tick, milliseconds. */
  readonly lagMs: number;
  /** Since it last opened or finished a batch, milliseconds. */
  readonly lastSeenMs: number;
  readonly lastTick: bigint | null;
  readonly openBatch: bigint | null;
  /** Events behind, by their numbers: a hint. */
  readonly pendingEvents: bigint;
}

export interface RunOptions {
  /** Ends the run after the event at hand; its batch comes again. To end after the batch: `close`. */
  readonly signal?: AbortSignal;
}

/** Pauses after faults, milliseconds. */
const firstPauseMs = 100;
const maxPauseMs = 10_000;

export class Consumer<Event extends QueueEvent = QueueEvent, Client = undefined> {
  readonly queue: string;
  readonly name: string;
  readonly #options: ConsumerOptions;
  readonly #codec: Codec;
  readonly #reader: Reader;
  readonly #sizer: PieceSizer;
  readonly #waiter: Waiter;
  readonly #closing = new AbortController();
  readonly #runs = new Set<Promise<void>>();

  constructor(queue: string, codec: Codec, options: ConsumerOptions) {
    checkOptions(options);
    this.queue = queue;
    this.name = options.name;
    this.#options = options;
    this.#codec = codec;
    this.#reader = {
      queue,
      consumer: options.name,
      subconsumer: options.subconsumer,
      takeOverAfterMs: options.takeOverAfterMs,
      collect: options.collect ?? {},
    };
    this.#sizer = new PieceSizer({ ...defaultLimits, ...options.memory });
    this.#waiter = new Waiter({ minMs: options.poll?.minMs ?? 50, maxMs: options.poll?.maxMs ?? 1_000 });
  }

  /** Makes the consumer, or subconsumer, known; from then on the queue keeps for it what comes. False when it was known. */
  async register(client: Queryable = this.#options.database): Promise<boolean> {
    return (await register(client, this.#reader)) === '1';
  }

  /**
   * Forgets the consumer, its position, its subconsumers and its events to be retried; of a subconsumer itself only, and not
   * while it has a batch open (DATABASE_REFUSED). False when it was not known.
   */
  async unregister(client: Queryable = this.#options.database): Promise<boolean> {
    const doing = `unregistering consumer ${this.name} of queue ${this.queue}`;
    const { subconsumer } = this.#reader;
    const names = [this.queue, this.name];
    if (subconsumer === undefined) return (await queryValue(client, doing, sql.unregister, names)) !== '0';
    return (await queryValue(client, doing, sql.unregisterSub, [...names, subconsumer, 0])) === '1';
  }

  /**
   * Moves the position; an open batch is dropped, and a process that works on it gets BATCH_LOST. Events that rotation has
   * removed do not come again. Gives the tick. Throws NOT_FOUND.
   */
  async seek(to: SeekTo, client: Queryable = this.#options.database): Promise<bigint> {
    const doing = `moving consumer ${this.name} of queue ${this.queue}`;
    const tick = await this.#tickOf(to, client, doing);
    if (tick === null) throw new QueueError(queueCodes.NOT_FOUND, `${doing}: the queue is not there, or has no tick`);
    await queryRows(client, doing, sql.registerAt, [this.queue, this.name, tick]);
    return BigInt(tick);
  }

  /** Throws NOT_FOUND when it is not registered. */
  async info(client: Queryable = this.#options.database): Promise<ConsumerInfo> {
    const doing = `asking about consumer ${this.name} of queue ${this.queue}`;
    const [row] = await queryRows(client, doing, sql.consumerInfo, [this.queue, this.name]);
    if (row === undefined) throw new QueueError(queueCodes.NOT_FOUND, `${doing}: it is not registered`);
    const [lag, seen, lastTick, batch, , pending] = row;
    const whole = (text: string | null | undefined) => (text == null ? null : BigInt(text));
    return {
      lagMs: Math.round(Number(lag) * 1_000),
      lastSeenMs: Math.round(Number(seen) * 1_000),
      lastTick: whole(lastTick),
      openBatch: whole(batch),
      pendingEvents: whole(pending) ?? 0n,
    };
  }

  /**
   * Batches as they come, until the signal or `close`. Asking for the next one finishes the one before. Leaving the loop (break,
   * return, an error) gives the batch back, so that it comes again: call `batch.finish()` first when it is done. A fault of
   * the database ends the loop with a QueueError.
   */
  async *batches({ signal }: RunOptions = {}): AsyncGenerator<Batch<Event, Client>, void, void> {
    const stop = AbortSignal.any([this.#closing.signal, ...(signal === undefined ? [] : [signal])]);
    const session = await this.#open();
    try {
      for (let info = await session.next(stop); info !== undefined; info = await session.next(stop)) {
        const open = this.#take(session, info, signal, this.#options.types);
        try {
          yield open.batch;
          await open.stopBeating();
          signal?.throwIfAborted();
          await open.batch.finish();
        } finally {
          await open.stopBeating();
          await open.batch.abandon();
        }
      }
    } finally {
      await session.close();
    }
  }

  /**
   * Hands every event to the handler, in order, until the signal or `close`. A handler that throws has its event retried, and
   * set aside when that did not help. Faults of the database that pass are survived; others end the run with a QueueError.
   */
  run(handlers: Handlers<Event, Client>, options: RunOptions = {}): Promise<void> {
    const run = this.#run(handlers, options).finally(() => this.#runs.delete(run));
    this.#runs.add(run);
    return run;
  }

  /** Ends runs and loops after the batch at hand, and waits for the runs. The consumer stays registered. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.allSettled([...this.#runs]);
  }

  async #run(handlers: Handlers<Event, Client>, { signal }: RunOptions): Promise<void> {
    const stop = AbortSignal.any([this.#closing.signal, ...(signal === undefined ? [] : [signal])]);
    let session: ConsumerSession | undefined;
    let pause = firstPauseMs;
    while (!stop.aborted) {
      try {
        session ??= await this.#open();
        const info = await session.next(stop);
        if (info !== undefined) await this.#handle(session, info, handlers, signal);
        pause = firstPauseMs;
      } catch (error) {
        if (signal?.aborted) break;
        const known = asQueueError(error, `consuming queue ${this.queue}`);
        const borrowed = session?.session.borrowed ?? !isPool(this.#options.database);
        if (known.code !== queueCodes.BATCH_LOST) {
          await session?.close();
          session = undefined;
        }
        if (!known.passes || (borrowed && known.code === queueCodes.CONNECTION_LOST)) throw known;
        this.#options.onError?.(known);
        await new Waiter({ minMs: pause, maxMs: pause }).wait(stop);
        pause = Math.min(maxPauseMs, pause * 2);
      }
    }
    await session?.close();
  }

  async #handle(
    session: ConsumerSession,
    info: BatchInfo,
    handlers: Handlers<Event, Client>,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const byType =
      typeof handlers === 'function' ? undefined : (handlers as unknown as Record<string, Handler<Event, Client>>);
    const types = this.#options.types ?? (byType === undefined ? undefined : Object.keys(byType));
    const { batch, work, stopBeating } = this.#take(session, info, signal, types);
    const { retries, concurrency, onError } = this.#options;
    try {
      const plan = {
        queue: this.queue,
        handler: (event: Event) =>
          byType === undefined ? (handlers as Handler<Event, Client>) : byType[event.type ?? ''],
        maxRetries: retries?.max ?? 5,
        concurrency: concurrency ?? 1,
        onError: (error: Error, event?: Event) => onError?.(error, event),
      };
      await handleBatch(plan, batch, work);
      await stopBeating();
      await batch.finish();
    } finally {
      await stopBeating();
      await batch.abandon();
    }
  }

  #open(): Promise<ConsumerSession> {
    const { database, register = true, pooler = false, wake } = this.#options;
    return ConsumerSession.open({ database, reader: this.#reader, register, pooler, wake, waiter: this.#waiter });
  }

  #take(session: ConsumerSession, info: BatchInfo, signal: AbortSignal | undefined, types?: readonly string[]) {
    const { invalid = 'dead-letter', unknownTypes = 'dead-letter', retries, database } = this.#options;
    const lost = new AbortController();
    const ends = AbortSignal.any([lost.signal, ...(signal === undefined ? [] : [signal])]);
    const isLost = () => lost.abort(lostBatch(info, this.queue));
    const heartbeat = new Heartbeat(database as pg.Pool, this.#reader, info, isLost);
    const work = this.#work(session, info, types);
    const batch = new Batch<Event, Client>({
      queue: this.queue,
      codec: this.#codec,
      invalid,
      unknownTypes,
      delayMs: retries?.delayMs ?? defaultDelay,
      info,
      work,
      signal: ends,
    });
    return { batch, work, stopBeating: () => heartbeat.stop() };
  }

  #work({ session }: ConsumerSession, batch: BatchInfo, types: readonly string[] | undefined): Work {
    const { exactlyOnce } = this.#options;
    const where = types === undefined ? undefined : sql.typeIn(types.map((type) => session.client.escapeLiteral(type)));
    const options = { session, reader: this.#reader, batch, where, sizer: this.#sizer };
    if (exactlyOnce === undefined) return new PlainWork(options);
    if (exactlyOnce === true) return new SameDatabaseWork(options);
    return new OtherDatabaseWork(options, {
      pool: exactlyOnce.into,
      id: exactlyOnce.id ?? `${this.queue}/${this.name}`,
    });
  }

  async #tickOf(to: SeekTo, client: Queryable, doing: string): Promise<string | null> {
    if (to === 'oldest') return queryValue(client, doing, sql.oldestTick, [this.queue]);
    if (to === 'newest') return queryValue(client, doing, sql.newestTick, [this.queue]);
    if ('tick' in to) return String(to.tick);
    return queryValue(client, doing, sql.tickAt, [this.queue, to.time.toISOString()]);
  }
}

function lostBatch(batch: BatchInfo, queue: string): QueueError {
  return new QueueError(queueCodes.BATCH_LOST, `batch ${batch.id} of queue ${queue} was taken over`);
}

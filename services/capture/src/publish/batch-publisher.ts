// The line of batches for everybody: next interval, regroup, publish; again.
import { type BusConnection, onNotice } from '@millrace/bus';
import { codes, MillraceError } from '@millrace/errors';
import { RunLoop } from '@millrace/lifecycle';
import type { Position } from '@millrace/model';
import { KeptSession, type PgClient } from '@millrace/postgres';
import { intervalsAfter, listSets, systemIdentifier } from '@millrace/provider';
import { batchSubject, streamName, tickSubject } from '@millrace/wire';
import { SectionKinds } from '../batch/section-kind.ts';
import type { CaptureOptions } from '../config.ts';
import { queueTicks, reopenings } from '../metrics.ts';
import { openSession } from '../session.ts';
import type { Shared } from '../subscribers/shared.ts';
import { type BatchStream, checkBatchStream, coverageStart, openBatchStream } from './batch-stream.ts';
import { findCursor, providerHistory } from './cursor.ts';
import { Pacer } from './pacer.ts';
import { publishInterval } from './publish-interval.ts';

/** Intervals read ahead in one question. */
const readAhead = 64;
/** A stream whose fastest reader takes nothing for so long is written on all the same, ms. */
const pacePatienceMs = 10_000;
/** A ticker ticks at least every 10 s; its notices arrive if one did in so many ms. */
const heardMs = 15_000;
/** Between two looks at the stream, ms. */
const lookEveryMs = 1000;
/** How long a pass may go on after a stop, ms. */
const lastPassMs = 2000;
/** Between two looks for ticks while the ticker is heard: its notices end the pause, ms. */
const heardPauseMs = 2500;

/** The stream opened and the cursor found. */
interface Line {
  readonly stream: BatchStream;
  readonly provider: string;
  readonly pacer: Pacer;
  cursor: Position;
  lookedAt: number;
  /** The first sequence when it was last looked at. */
  first: number;
}

export class MainLine {
  readonly loop: RunLoop;
  readonly #options: CaptureOptions;
  readonly #holder: BusConnection;
  readonly #shared: Shared;
  readonly #kinds = new SectionKinds();
  readonly #session: KeptSession;
  #line: Line | undefined;
  #stopNotices: (() => void) | undefined;
  #noticedAt = Number.NEGATIVE_INFINITY;

  constructor(options: CaptureOptions, holder: BusConnection, shared: Shared) {
    this.#options = options;
    this.#holder = holder;
    this.#shared = shared;
    const { providerUrl } = options;
    this.#session = new KeptSession((onLost) =>
      openSession(providerUrl, { applicationName: 'millrace capture line', onLost }),
    );
    this.loop = new RunLoop({
      name: 'capture line',
      runOnce: (signal) => this.runOnce(signal),
      idleMs: options.pollMs,
      backoff: { minMs: 50, maxMs: 3000 },
      lastPass: { graceMs: lastPassMs, abort: () => this.#abort() },
      onFailed: () => this.#reset(),
      onStopped: () => this.#close(),
    });
  }

  /** For backfills: the writer of the stream and who the provider is; undefined while the line is not open. */
  get writer(): { stream: BatchStream; provider: string } | undefined {
    const line = this.#line;
    return line === undefined || line.stream.publisher.failure() !== undefined ? undefined : line;
  }

  /** Sends what is waiting; gives the pause until the next look, ms. */
  async runOnce(signal: AbortSignal): Promise<number> {
    const { history, subscribers } = this.#shared;
    if (history !== undefined) throw history;
    if (subscribers === undefined) return 20;
    if (subscribers.length === 0) {
      this.#closeLine();
      return this.#options.pollMs;
    }
    const client = await this.#session.get();
    const line = this.#line ?? (await this.#open(client, signal));
    const failure = line.stream.publisher.failure();
    if (failure !== undefined) throw failure;
    const intervals = await intervalsAfter(client, this.#options.queue, line.cursor.tick, readAhead);
    if (intervals.length === 0) {
      await this.#lookAfter(line);
      return this.#pause();
    }
    await this.#publish(client, line, { intervals, signal });
    await this.#lookAfter(line);
    return 0;
  }

  async #publish(
    client: PgClient,
    line: Line,
    work: { intervals: Awaited<ReturnType<typeof intervalsAfter>>; signal: AbortSignal },
  ): Promise<void> {
    const { queue } = this.#options;
    const { publisher, bus } = line.stream;
    let waiting = work.intervals.length;
    for (const interval of work.intervals) {
      queueTicks.set(waiting);
      if (interval.prev.fingerprint !== line.cursor.fingerprint) {
        throw providerHistory(`tick ${interval.prev.tick} is not the one that was published`);
      }
      await publishInterval(client, interval, {
        queue,
        provider: line.provider,
        subject: batchSubject(queue),
        line: 'main',
        publisher,
        pacer: line.pacer,
        maxPayload: bus.maxPayload(),
        kinds: this.#kinds,
        openAnother: () => openSession(this.#options.providerUrl, { applicationName: 'millrace capture names' }),
        signal: work.signal,
      });
      line.cursor = interval.tick;
      this.#shared.sent = interval.tick;
      waiting -= 1;
      if (this.#shared.history !== undefined) throw this.#shared.history;
    }
    queueTicks.set(0);
  }

  async #open(client: PgClient, signal: AbortSignal): Promise<Line> {
    const { queue, streamBytes } = this.#options;
    const bus = await this.#holder.get();
    reopenings.add(1);
    const provider = await this.#identity(client);
    const stream = await openBatchStream(bus, { queue, maxBytes: streamBytes });
    try {
      const subscribers = this.#shared.subscribers ?? [];
      const cursor = await findCursor({ bus, client, queue, provider, stream: stream.opened, subscribers });
      if (cursor === undefined) throw new MillraceError(codes.TIMEOUT, 'nobody subscribes yet');
      this.#shared.coveredFrom = (await coverageStart(bus, queue, stream.opened)) ?? cursor.tick;
      this.#shared.sent = cursor;
      const where = { bus, stream: streamName(queue), subject: batchSubject(queue) };
      const pacer = new Pacer({ ...where, limitBytes: stream.opened.maxBytes / 2, patienceMs: pacePatienceMs, signal });
      this.#line = { stream, provider, pacer, cursor, lookedAt: performance.now(), first: stream.opened.first };
      this.#stopNotices = onNotice(bus, tickSubject(queue), () => this.#noticed());
      this.#shared.changed();
      return this.#line;
    } catch (error) {
      stream.publisher.close();
      throw error;
    }
  }

  #noticed(): void {
    this.#noticedAt = performance.now();
    this.loop.wake();
  }

  /** As long as the ticker is heard there is little to look for. */
  #pause(): number {
    const isHeard = performance.now() - this.#noticedAt < heardMs;
    return isHeard ? Math.max(this.#options.pollMs, heardPauseMs) : this.#options.pollMs;
  }

  /** Looks whether the stream is still what we left: it may have lost its end, or all of it. */
  async #lookAfter(line: Line): Promise<void> {
    if (performance.now() - line.lookedAt < lookEveryMs) return;
    const { queue, streamBytes } = this.#options;
    const state = await checkBatchStream(line.stream, { queue, maxBytes: streamBytes });
    line.lookedAt = performance.now();
    if (state.first === line.first) return;
    line.first = state.first;
    this.#shared.coveredFrom = (await coverageStart(line.stream.bus, queue, state)) ?? line.cursor.tick;
  }

  /** Throws PROVIDER_HISTORY when the set was made on another cluster. */
  async #identity(client: PgClient): Promise<string> {
    const { queue } = this.#options;
    const provider = await systemIdentifier(client);
    const set = (await listSets(client)).find((one) => one.queue === queue);
    if (set === undefined)
      throw new MillraceError(codes.NOT_FOUND, `the provider has no set ${queue}`, {
        advice: 'run `millrace install`',
      });
    if (set.systemIdentifier !== provider) throw providerHistory(`the set ${queue} was made on another cluster`);
    return provider;
  }

  /** At a stop nobody waits for the rest of a batch that is being read, or for a bus that does not answer. */
  #abort(): void {
    this.#session.drop();
    this.#line?.stream.publisher.close();
  }

  /** After a failure nothing is taken for granted: the session may be in the middle of an answer. */
  #reset(): void {
    this.#closeLine();
    this.#session.drop();
  }

  #closeLine(): void {
    this.#stopNotices?.();
    this.#stopNotices = undefined;
    this.#line?.stream.publisher.close();
    this.#line = undefined;
    this.#shared.coveredFrom = undefined;
  }

  async #close(): Promise<void> {
    await this.#line?.stream.publisher.flush().catch(() => {});
    this.#closeLine();
    await this.#session.close();
  }
}

// The stream of batches, open for writing: from the cursor that was found to the first failure.
import type { Bus } from '@millrace/bus';
import { codes, MillraceError } from '@millrace/errors';
import type { Position } from '@millrace/model';
import type { PgClient } from '@millrace/postgres';
import { type Interval, intervalsAfter } from '@millrace/provider';
import { batchSubject } from '@millrace/wire';
import type { CaptureOptions } from '../config.ts';
import { queueTicks, reopenings } from '../metrics.ts';
import type { DesiredState } from '../subscribers/desired-state.ts';
import type { ForeignMessages } from '../subscribers/foreign-messages.ts';
import type { Roster } from '../subscribers/roster.ts';
import { type BatchStream, checkBatchStream, coverageStart, openBatchStream } from './batch-stream.ts';
import { findCursor } from './cursor.ts';
import { IntervalPublisher } from './interval-publisher.ts';
import { identifyProvider, providerHistory } from './provider-history.ts';
import type { StreamProgress } from './stream-progress.ts';

/** What publishing reads and writes beside the stream. */
export interface PublishContext {
  readonly options: CaptureOptions;
  readonly desiredState: DesiredState;
  readonly roster: Roster;
  readonly progress: StreamProgress;
  readonly foreign: ForeignMessages;
}

/** Intervals that one query reads. */
const maxIntervals = 64;
/** Between two checks of the stream, ms. */
const checkMs = 1000;

/** Opens the stream and finds the cursor. `signal`: capture is stopping. */
export async function openPublishSession(
  context: PublishContext,
  { bus, client, signal }: { bus: Bus; client: PgClient; signal: AbortSignal },
): Promise<PublishSession> {
  const { options, roster, progress, foreign } = context;
  const { queue, keyring, streamBytes } = options;
  const judge = { queue, keyring, foreign };
  reopenings.add(1);
  const provider = await identifyProvider(client, queue);
  const stream = await openBatchStream(bus, { ...judge, maxBytes: streamBytes });
  try {
    const subscribers = roster.subscribers ?? [];
    const cursor = await findCursor({ bus, client, ...judge, provider, stream: stream.opened, subscribers });
    if (cursor === undefined) throw new MillraceError(codes.TIMEOUT, 'there are no subscribers yet');
    progress.coveredFrom = (await coverageStart(bus, judge, stream.opened)) ?? cursor.tick;
    progress.sent = cursor;
    const writer = { stream, provider };
    const subject = { name: batchSubject(queue), line: 'main', maxUnreadBytes: stream.opened.maxBytes / 2 } as const;
    const publisher = new IntervalPublisher(options, writer, subject, signal);
    progress.opened(writer);
    return new PublishSession(context, { stream, publisher, cursor });
  } catch (error) {
    stream.publisher.close();
    throw error;
  }
}

export class PublishSession {
  readonly #context: PublishContext;
  readonly #stream: BatchStream;
  readonly #publisher: IntervalPublisher;
  #cursor: Position;
  #checkedAt = performance.now();
  /** The first sequence of the stream at the last check. */
  #first: number;

  constructor(
    context: PublishContext,
    { stream, publisher, cursor }: { stream: BatchStream; publisher: IntervalPublisher; cursor: Position },
  ) {
    this.#context = context;
    this.#stream = stream;
    this.#publisher = publisher;
    this.#cursor = cursor;
    this.#first = stream.opened.first;
  }

  /** Sends the batches that are waiting, as far as one query reads them; false when there is none. */
  async publishNext(client: PgClient): Promise<boolean> {
    const failure = this.#stream.publisher.failure();
    if (failure !== undefined) throw failure;
    const intervals = await intervalsAfter(client, this.#context.options.queue, this.#cursor.tick, maxIntervals);
    if (intervals.length > 0) await this.#publish(client, intervals);
    await this.#check();
    return intervals.length > 0;
  }

  async flush(): Promise<void> {
    await this.#stream.publisher.flush();
  }

  close(): void {
    this.#stream.publisher.close();
  }

  async #publish(client: PgClient, intervals: readonly Interval[]): Promise<void> {
    const { roster, progress } = this.#context;
    let waiting = intervals.length;
    for (const interval of intervals) {
      queueTicks.set(waiting);
      if (interval.prev.fingerprint !== this.#cursor.fingerprint) {
        throw providerHistory(`tick ${interval.prev.tick} is not the one that was published`);
      }
      await this.#publisher.publish(client, interval);
      this.#cursor = interval.tick;
      progress.sent = interval.tick;
      waiting -= 1;
      roster.requireSameHistory();
    }
    queueTicks.set(0);
  }

  /** Checks whether the stream is still as this capture left it: it may have lost its end, or all of it. */
  async #check(): Promise<void> {
    if (performance.now() - this.#checkedAt < checkMs) return;
    const { options, foreign } = this.#context;
    const { queue, keyring, streamBytes } = options;
    const judge = { queue, keyring, foreign };
    const state = await checkBatchStream(this.#stream, { ...judge, maxBytes: streamBytes });
    this.#checkedAt = performance.now();
    if (state.first === this.#first) return;
    this.#first = state.first;
    const covered = await coverageStart(this.#stream.bus, judge, state);
    this.#context.progress.coveredFrom = covered ?? this.#cursor.tick;
  }
}

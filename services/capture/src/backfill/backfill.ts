// One backfill, from the subscriber's position to where the stream serves it.
import { purgeSubject } from '@millrace/bus';
import { codes, MillraceError } from '@millrace/errors';
import { pause } from '@millrace/lifecycle';
import type { Position } from '@millrace/model';
import type { PgClient } from '@millrace/postgres';
import { intervalsAfter } from '@millrace/provider';
import { backfillSubject, streamName } from '@millrace/wire';
import { IntervalPublisher } from '../publish/interval-publisher.ts';
import type { StreamWriter } from '../publish/stream-progress.ts';
import type { ReceivedReport } from '../subscribers/reports.ts';
import type { BackfillContext } from './missing-batches.ts';

/** What is sent ahead of the subscriber's report: bytes and batches. */
const maxInFlightBytes = 32 * 1024 * 1024;
const maxInFlightBatches = 256;
/** Intervals that one query reads. */
const maxIntervals = 16;
/** A backfill ends when its subscriber reports no progress for this time, ms; another one may follow. */
const timeoutMs = 10_000;
/** Longest wait for the next report, ms. */
const reportMs = 500;

export interface BackfillTask {
  /** The subscriber. */
  readonly name: string;
  readonly client: PgClient;
  readonly signal: AbortSignal;
}

export class Backfill {
  readonly #context: BackfillContext;
  readonly #task: BackfillTask;
  #writer: StreamWriter | undefined;
  #publisher: IntervalPublisher | undefined;
  #inFlight: { tick: number; bytes: number }[] = [];
  /** Up to where it was sent. */
  #at: Position | undefined;
  #reportedTick = -1;
  #movedAt = performance.now();

  constructor(context: BackfillContext, task: BackfillTask) {
    this.#context = context;
    this.#task = task;
  }

  /** Returns when the subscriber has what it lacked, or does not take it. */
  async run(firstTarget: number): Promise<void> {
    let target = firstTarget;
    while (!this.#task.signal.aborted) {
      const received = this.#readReport();
      if (received === undefined) return;
      const { coveredFrom = 0 } = this.#context.progress;
      if (received.report.tick < coveredFrom) target = Math.max(target, coveredFrom);
      if (received.report.tick >= target) return this.#purge();
      const at = this.#at ?? received.report;
      if (at.tick < target && this.#maySend()) {
        if (!(await this.#send(at, target))) return;
      } else if (!received.report.busy && performance.now() - this.#movedAt > timeoutMs) {
        return;
      } else {
        await this.#nextReport();
      }
    }
  }

  /** The subscriber has all that was sent for it; the space in the stream is for others. */
  async #purge(): Promise<void> {
    const { options, progress } = this.#context;
    const bus = progress.writer?.stream.bus;
    if (bus === undefined) return;
    await purgeSubject(bus, streamName(options.queue), backfillSubject(options.queue, this.#task.name));
  }

  /** The subscriber's newest report; undefined when it is gone or does not run. */
  #readReport(): ReceivedReport | undefined {
    const received = this.#context.reports.ofRunning(this.#task.name);
    if (received === undefined) return undefined;
    const { report } = received;
    if (report.tick !== this.#reportedTick) {
      this.#movedAt = performance.now();
      // A position that went back means that its database was restored: continue from there.
      if (report.tick < this.#reportedTick || this.#at === undefined || report.tick > this.#at.tick) this.#at = report;
      this.#reportedTick = report.tick;
      this.#inFlight = this.#inFlight.filter((sent) => sent.tick > report.tick);
    }
    return received;
  }

  #maySend(): boolean {
    const bytes = this.#inFlight.reduce((sum, sent) => sum + sent.bytes, 0);
    return bytes < maxInFlightBytes && this.#inFlight.length < maxInFlightBatches;
  }

  /** False: there is nothing to send. */
  async #send(from: Position, target: number): Promise<boolean> {
    const { client, signal } = this.#task;
    const publisher = this.#openPublisher();
    if (publisher === undefined) {
      await this.#nextReport();
      return true;
    }
    const intervals = await intervalsAfter(client, this.#context.options.queue, from.tick, maxIntervals);
    if (intervals[0] !== undefined && intervals[0].prev.fingerprint !== from.fingerprint) {
      throw new MillraceError(codes.PROVIDER_HISTORY, `tick ${from.tick} of the subscriber is another one here`);
    }
    for (const interval of intervals) {
      if (interval.prev.tick >= target || !this.#maySend() || signal.aborted) break;
      const totals = await publisher.publish(client, interval);
      this.#at = interval.tick;
      this.#inFlight.push({ tick: interval.tick.tick, bytes: totals.bytes });
    }
    return intervals.length > 0;
  }

  /** Undefined while the stream is not open; another one after it was opened again. */
  #openPublisher(): IntervalPublisher | undefined {
    const { options, progress } = this.#context;
    const { writer } = progress;
    if (writer !== this.#writer) {
      const name = backfillSubject(options.queue, this.#task.name);
      const subject = { name, line: 'backfill', maxUnreadBytes: maxInFlightBytes } as const;
      this.#publisher = writer && new IntervalPublisher(options, writer, subject, this.#task.signal);
      this.#writer = writer;
    }
    return this.#publisher;
  }

  #nextReport(): Promise<void> {
    const wakeOn = (end: () => void) =>
      this.#context.reports.received.on((name) => {
        if (name === this.#task.name) end();
      });
    return pause(reportMs, { wakeOn });
  }
}

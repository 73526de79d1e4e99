// Batches again, for one subscriber that lacks them: the stream discarded them, or lost them, or they arrived damaged. Each
// subscriber has its own subject and its own session, so that nobody waits for another's past.
import { purgeSubject } from '@millrace/bus';
import { codes, MillraceError, toMillraceError } from '@millrace/errors';
import { pause } from '@millrace/lifecycle';
import type { Position } from '@millrace/model';
import { disconnect, dropSession, type PgClient } from '@millrace/postgres';
import { intervalsAfter } from '@millrace/provider';
import { type Logger, logger } from '@millrace/telemetry';
import { backfillSubject, streamName } from '@millrace/wire';
import { SectionKinds } from '../batch/section-kind.ts';
import type { CaptureOptions } from '../config.ts';
import { backfills } from '../metrics.ts';
import type { MainLine } from '../publish/batch-publisher.ts';
import { Pacer } from '../publish/pacer.ts';
import { publishInterval } from '../publish/publish-interval.ts';
import { openSession } from '../session.ts';
import type { Heard, Reports } from '../subscribers/reports.ts';
import type { Shared } from '../subscribers/shared.ts';

export interface BackfillParts {
  readonly options: CaptureOptions;
  readonly shared: Shared;
  readonly reports: Reports;
  readonly line: Pick<MainLine, 'writer'>;
}

/** What is sent ahead of the subscriber's report: bytes and batches. */
const aheadBytes = 32 * 1024 * 1024;
const aheadBatches = 256;
const readAhead = 16;
/** A subscriber that does not take what was sent for it is sent it again after so long, ms. */
const patienceMs = 10_000;
const waitMs = 500;

export class Backfills {
  readonly #parts: BackfillParts;
  readonly #running = new Map<string, Promise<void>>();
  /** Since when a subscriber has been behind without moving. */
  readonly #behind = new Map<string, { tick: number; since: number }>();
  #stopper = new AbortController();
  #log: Logger | undefined;

  constructor(parts: BackfillParts) {
    this.#parts = parts;
  }

  /** Begins a backfill when this subscriber lacks what the stream does not give it. */
  consider(name: string): void {
    if (this.#running.has(name) || this.#stopper.signal.aborted) return;
    const heard = this.#parts.reports.get(name);
    const target = heard === undefined ? undefined : this.#target(name, heard);
    if (target === undefined) return;
    this.#log ??= logger('backfill');
    this.#log.info(
      { subscriber: name, from: heard?.report.tick, to: target },
      'sending again what the subscriber lacks',
    );
    backfills.add(1);
    const work = this.#run(name, target).catch((error: unknown) => {
      if (!this.#stopper.signal.aborted)
        this.#log?.warn({ subscriber: name, err: error, code: toMillraceError(error).code }, 'backfill failed');
    });
    this.#running.set(
      name,
      work.finally(() => this.#running.delete(name)),
    );
  }

  async stop(): Promise<void> {
    this.#stopper.abort();
    await Promise.all(this.#running.values());
    this.#behind.clear();
  }

  start(): void {
    if (this.#stopper.signal.aborted) this.#stopper = new AbortController();
  }

  /** Up to which tick it has to be sent; undefined: it lacks nothing. */
  #target(name: string, { report, movedAt }: Heard): number | undefined {
    const { shared, reports, options } = this.#parts;
    const newest = shared.sent?.tick;
    if (newest === undefined || report.tick >= newest || report.state !== 'running' || !reports.isFresh(name)) {
      this.#behind.delete(name);
      return undefined;
    }
    if (shared.coveredFrom !== undefined && report.tick < shared.coveredFrom) return shared.coveredFrom;
    if (report.gap !== null && report.gap.from === report.tick) return report.gap.to ?? newest;
    const now = performance.now();
    const behind = this.#behind.get(name);
    if (behind === undefined || behind.tick !== report.tick || report.busy) {
      this.#behind.set(name, { tick: report.tick, since: now });
      return undefined;
    }
    return now - behind.since > options.stuckMs && now - movedAt > options.stuckMs ? newest : undefined;
  }

  async #run(name: string, target: number): Promise<void> {
    const { options } = this.#parts;
    const client = await openSession(options.providerUrl, { applicationName: 'millrace capture backfill' });
    const { signal } = this.#stopper;
    const onAbort = () => dropSession(client);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      await new Backfill(this.#parts, { name, client, signal }).run(target);
    } finally {
      signal.removeEventListener('abort', onAbort);
      // It may be in the middle of an answer.
      dropSession(client);
      await disconnect(client);
      this.#behind.delete(name);
    }
  }
}

interface BackfillTask {
  readonly name: string;
  readonly client: PgClient;
  readonly signal: AbortSignal;
}

/** One backfill, from the subscriber's position to where the stream serves it. */
class Backfill {
  readonly #parts: BackfillParts;
  readonly #task: BackfillTask;
  readonly #kinds = new SectionKinds();
  #ahead: { tick: number; bytes: number }[] = [];
  #at: Position | undefined;
  #tick = -1;
  #movedAt = performance.now();

  constructor(parts: BackfillParts, task: BackfillTask) {
    this.#parts = parts;
    this.#task = task;
  }

  async run(firstTarget: number): Promise<void> {
    let target = firstTarget;
    while (!this.#task.signal.aborted) {
      const heard = this.#hear();
      if (heard === undefined) return;
      const { coveredFrom = 0 } = this.#parts.shared;
      if (heard.report.tick < coveredFrom) target = Math.max(target, coveredFrom);
      if (heard.report.tick >= target) return this.#tidy();
      const at = this.#at ?? heard.report;
      if (at.tick < target && this.#hasRoom()) {
        if (!(await this.#send(at, target))) return;
      } else if (!heard.report.busy && performance.now() - this.#movedAt > patienceMs) {
        return;
      } else {
        await this.#nextReport();
      }
    }
  }

  /** What was sent for this subscriber is done with; its room is better used for others. */
  async #tidy(): Promise<void> {
    const { options, line } = this.#parts;
    const bus = line.writer?.stream.bus;
    if (bus === undefined) return;
    await purgeSubject(bus, streamName(options.queue), backfillSubject(options.queue, this.#task.name));
  }

  /** Takes in the subscriber's newest report; undefined when it is gone or does not run. */
  #hear(): Heard | undefined {
    const { reports } = this.#parts;
    const { name } = this.#task;
    const heard = reports.get(name);
    if (heard === undefined || !reports.isFresh(name) || heard.report.state !== 'running') return undefined;
    const { report } = heard;
    if (report.tick !== this.#tick) {
      this.#movedAt = performance.now();
      // Back means that its database was restored: begin there anew.
      if (report.tick < this.#tick || this.#at === undefined || report.tick > this.#at.tick) this.#at = report;
      this.#tick = report.tick;
      this.#ahead = this.#ahead.filter((sent) => sent.tick > report.tick);
    }
    return heard;
  }

  #hasRoom(): boolean {
    const bytes = this.#ahead.reduce((sum, sent) => sum + sent.bytes, 0);
    return bytes < aheadBytes && this.#ahead.length < aheadBatches;
  }

  /** False: there is nothing to send. */
  async #send(from: Position, target: number): Promise<boolean> {
    const { options, line } = this.#parts;
    const { client } = this.#task;
    const writer = line.writer;
    if (writer === undefined) {
      await this.#nextReport();
      return true;
    }
    const { bus } = writer.stream;
    const subject = backfillSubject(options.queue, this.#task.name);
    const pacer = new Pacer({
      bus,
      stream: streamName(options.queue),
      subject,
      limitBytes: aheadBytes,
      patienceMs,
      signal: this.#task.signal,
    });
    const intervals = await intervalsAfter(client, options.queue, from.tick, readAhead);
    if (intervals[0] !== undefined && intervals[0].prev.fingerprint !== from.fingerprint) {
      throw new MillraceError(codes.PROVIDER_HISTORY, `tick ${from.tick} of the subscriber is another one here`);
    }
    for (const interval of intervals) {
      if (interval.prev.tick >= target || !this.#hasRoom() || this.#task.signal.aborted) break;
      const totals = await publishInterval(client, interval, {
        queue: options.queue,
        provider: writer.provider,
        subject,
        line: 'backfill',
        publisher: writer.stream.publisher,
        pacer,
        maxPayload: bus.maxPayload(),
        kinds: this.#kinds,
        openAnother: () => openSession(options.providerUrl, { applicationName: 'millrace capture names' }),
        signal: this.#task.signal,
      });
      this.#at = interval.tick;
      this.#ahead.push({ tick: interval.tick.tick, bytes: totals.bytes });
    }
    return intervals.length > 0;
  }

  #nextReport(): Promise<void> {
    const { reports } = this.#parts;
    const wakeOn = (end: () => void) =>
      reports.onReport((name) => {
        if (name === this.#task.name) end();
      });
    return pause(waitMs, { wakeOn });
  }
}

// What subscribers report is handed to the provider, which then lets its queue go up to there. Also the eyes of a leading
// capture: who subscribes, who follows another history, who lacks something; and its own report.
import { hostname } from 'node:os';
import { type BusConnection, ensureBucket } from '@millrace/bus';
import { codes, type MillraceError, toMillraceError, type Verdict, verdictOf } from '@millrace/errors';
import { RunLoop } from '@millrace/lifecycle';
import type { SessionLease } from '@millrace/postgres';
import {
  listSubscribers,
  onWish,
  type ReportVerdict,
  reportPosition,
  reportService,
  type SubscriberRecord,
} from '@millrace/provider';
import { bucketName } from '@millrace/wire';
import type { Backfills } from '../backfill/backfill.ts';
import type { CaptureOptions } from '../config.ts';
import { providerHistory } from '../publish/cursor.ts';
import type { Heard, Reports } from '../subscribers/reports.ts';
import type { Shared } from '../subscribers/shared.ts';

export interface ReleaseParts {
  readonly options: CaptureOptions;
  readonly lease: SessionLease;
  readonly holder: BusConnection;
  readonly shared: Shared;
  readonly reports: Reports;
  readonly backfills: Backfills;
  /** The fault of the line of batches, if it has one. */
  readonly fault: () => Verdict | undefined;
  /** What a person should know although the line goes on: a copy that cannot be made. */
  readonly trouble: () => Verdict | undefined;
  /** Somebody wrote a wish at the provider. */
  readonly onWish: () => void;
}

/** A report that says nothing new is handed on this often all the same, as a sign of life, ms. */
const repeatMs = 5000;
/** Its own state is written anew at least so often, ms. */
const reportMs = 2900;
/** Between two passes while all have everything; wishes and reports that matter end it. */
const quietMs = 3000;

export class Release {
  readonly loop: RunLoop;
  readonly #parts: ReleaseParts;
  /** Per subscriber: what was handed on last, when, and the answer. */
  readonly #told = new Map<string, { key: string; at: number; verdict: ReportVerdict }>();
  /** Some subscriber, not all, has applied what was never made here. */
  #astray: MillraceError | undefined;
  #hasBucket = false;
  #listens = false;
  /** The pause that follows is a long one. */
  #isQuiet = false;
  /** What capture last said of itself, and when. */
  #reported: string | undefined;
  #reportedAt = Number.NEGATIVE_INFINITY;

  constructor(parts: ReleaseParts) {
    this.#parts = parts;
    this.loop = new RunLoop({
      name: 'capture release',
      runOnce: () => this.runOnce(),
      idleMs: parts.options.releaseMs,
      backoff: { minMs: 100, maxMs: 3000 },
      onFailed: (error) => this.#onFailed(error),
    });
  }

  /** Something was heard of a subscriber: it may lack something, or end a long pause. */
  heard(name: string): void {
    const heard = this.#parts.reports.get(name);
    if (heard === undefined) return;
    const isNews = this.#isQuiet && this.#told.get(name)?.key !== keyOf(heard);
    if (!isNews && heard.report.gap === null) return;
    this.#isQuiet = false;
    this.loop.wake();
  }

  async runOnce(): Promise<number> {
    const { options, lease, shared } = this.#parts;
    if (!this.#listens) await onWish(lease.client, options.queue, this.#parts.onWish);
    this.#listens = true;
    this.#isQuiet = false;
    await this.#reportSelf();
    const subscribers = await listSubscribers(lease.client, options.queue);
    const before = shared.subscribers?.length;
    shared.subscribers = subscribers;
    if (before !== subscribers.length) shared.changed();
    await this.#listen();
    await this.#handOn(subscribers);
    for (const { name } of subscribers) {
      const verdict = this.#told.get(name)?.verdict;
      if (verdict === 'ok') this.#parts.backfills.consider(name);
    }
    this.#isQuiet = subscribers.every(({ name }) => this.#hasAll(name));
    return this.#isQuiet ? Math.max(quietMs, options.releaseMs) : options.releaseMs;
  }

  #hasAll(name: string): boolean {
    const heard = this.#parts.reports.get(name);
    const { sent } = this.#parts.shared;
    const told = this.#told.get(name);
    if (heard === undefined || sent === undefined || told?.verdict !== 'ok' || told.key !== keyOf(heard)) return false;
    return heard.report.gap === null && heard.report.tick >= sent.tick;
  }

  async #listen(): Promise<void> {
    const { holder, options, reports } = this.#parts;
    const bus = await holder.get();
    if (!this.#hasBucket) await ensureBucket(bus, { bucket: bucketName(options.queue) });
    this.#hasBucket = true;
    reports.follow(bus);
  }

  async #handOn(subscribers: readonly SubscriberRecord[]): Promise<void> {
    const { shared, reports } = this.#parts;
    let history: MillraceError | undefined;
    let fits = false;
    for (const { name } of subscribers) {
      const heard = reports.get(name);
      if (heard === undefined) continue;
      const verdict = await this.#tell(name, heard);
      fits ||= verdict === 'ok';
      history ??= verdict === 'ahead' || verdict === 'history' ? follows(name, heard, verdict) : undefined;
    }
    for (const name of this.#told.keys()) if (!subscribers.some((one) => one.name === name)) this.#told.delete(name);
    // As long as our history is somebody's, it is the other one that went astray. It stops by itself; the line goes on.
    shared.history = fits ? undefined : history;
    this.#astray = fits ? history : undefined;
  }

  async #tell(name: string, heard: Heard): Promise<ReportVerdict> {
    const { lease, options } = this.#parts;
    const { report } = heard;
    const key = keyOf(heard);
    const before = this.#told.get(name);
    const isRepeat = before?.key === key && before.verdict === 'ok' && performance.now() - before.at < repeatMs;
    if (before !== undefined && isRepeat) return before.verdict;
    const verdict = await reportPosition(lease.client, options.queue, name, report);
    this.#told.set(name, { key, at: performance.now(), verdict });
    if (verdict === 'unknown' && before?.verdict !== verdict) this.#tellLost(name, report.tick);
    return verdict;
  }

  /** A subscriber's database that went back further than the queue does cannot be served; the others are not its business. */
  #tellLost(name: string, tick: number): void {
    this.loop.state?.log.error(
      { subscriber: name, tick },
      `the subscriber ${name} went back to tick ${tick}, which the queue no longer keeps; copy its tables again`,
    );
  }

  async #reportSelf(): Promise<void> {
    const { lease, options } = this.#parts;
    const fault = this.#parts.fault() ?? this.loop.state?.fault;
    const told = fault ?? this.#parts.trouble() ?? (this.#astray === undefined ? undefined : verdictOf(this.#astray));
    const state = fault === undefined ? 'running' : 'stopped';
    const isOld = performance.now() - this.#reportedAt > reportMs;
    const key = `${state} ${told?.sentence}`;
    if (!isOld && key === this.#reported) return;
    this.#reportedAt = performance.now();
    this.#reported = key;
    await reportService(lease.client, {
      queue: options.queue,
      service: 'capture',
      instance: `${hostname()}:${process.pid}`,
      state,
      error: told === undefined ? null : { code: told.code, message: told.sentence },
    });
  }

  #onFailed(error: unknown): void {
    this.#hasBucket = false;
    const { code } = toMillraceError(error);
    if (code === codes.DATABASE_UNREACHABLE || code === codes.INTERNAL) this.#parts.lease.abandon();
  }
}

function keyOf({ report }: Heard): string {
  return `${report.provider} ${report.tick} ${report.fingerprint}`;
}

function follows(name: string, { report }: Heard, verdict: ReportVerdict): MillraceError {
  const how = verdict === 'ahead' ? 'which is newer than any tick here' : 'which is another one here';
  return providerHistory(`the subscriber ${name} has applied tick ${report.tick}, ${how}`);
}

// The loop that releases the queue up to the reported positions. It also reads who subscribes, begins backfills, and reports
// capture's own state.
import { codes, type MillraceError, toMillraceError, verdictOf } from '@millrace/errors';
import { RunLoop } from '@millrace/lifecycle';
import type { SessionLease } from '@millrace/postgres';
import { listSubscribers } from '@millrace/provider';
import type { Backfills } from '../backfill/backfills.ts';
import type { CaptureOptions } from '../config.ts';
import type { Copies } from '../copy/copies.ts';
import type { BatchPublisher } from '../publish/batch-publisher.ts';
import type { StreamProgress } from '../publish/stream-progress.ts';
import type { DesiredState } from '../subscribers/desired-state.ts';
import type { ForeignMessages } from '../subscribers/foreign-messages.ts';
import type { Reports } from '../subscribers/reports.ts';
import type { Roster } from '../subscribers/roster.ts';
import { ReportedPositions } from './reported-positions.ts';
import { ServiceReport } from './service-report.ts';

export interface ReleaseContext {
  readonly options: CaptureOptions;
  readonly desiredState: DesiredState;
  readonly roster: Roster;
  readonly reports: Reports;
  readonly progress: StreamProgress;
  readonly foreign: ForeignMessages;
}

/** The work beside this loop: their faults are reported, and backfills are begun here. */
export interface ReleaseNeighbours {
  readonly publisher: BatchPublisher;
  readonly copies: Copies;
  readonly backfills: Backfills;
}

/** Minimal pause after a pass that found that all have everything, ms; news end it. */
const quietMs = 3000;

export class Release {
  readonly loop: RunLoop;
  readonly #context: ReleaseContext;
  readonly #lease: SessionLease;
  readonly #neighbours: ReleaseNeighbours;
  readonly #positions: ReportedPositions;
  readonly #serviceReport: ServiceReport;
  /** A subscriber, not all of them, has applied a tick that the provider never made. */
  #oneOtherHistory: MillraceError | undefined;
  /** The pause that follows is a long one. */
  #isQuiet = false;

  constructor(context: ReleaseContext, lease: SessionLease, neighbours: ReleaseNeighbours) {
    const { options, desiredState, reports } = context;
    this.#context = context;
    this.#lease = lease;
    this.#neighbours = neighbours;
    this.#positions = new ReportedPositions(lease.client, options.queue, reports);
    this.#serviceReport = new ServiceReport(lease.client, options.queue);
    this.loop = new RunLoop({
      name: 'capture release',
      runOnce: () => this.#runOnce(),
      idleMs: options.releaseMs,
      backoff: { minMs: 100, maxMs: 3000 },
      onFailed: (error) => this.#onFailed(error),
    });
    desiredState.changed.on(() => this.loop.wake());
    reports.received.on((name) => this.#onReport(name));
  }

  async #runOnce(): Promise<number> {
    const { options, desiredState, roster, reports } = this.#context;
    const { client } = this.#lease;
    await desiredState.listen(client);
    this.#isQuiet = false;
    await this.#reportSelf();
    const subscribers = await listSubscribers(client, options.queue);
    roster.update(subscribers);
    reports.expect(subscribers.map((one) => one.name));
    await reports.follow();
    const { fits, other } = await this.#positions.handOver(subscribers);
    // Decides who stops with PROVIDER_HISTORY. No position fits: the provider went back, nothing may be published. Some fit: the
    // subscriber whose position does not was moved; its replay stops, and publishing continues for the others.
    roster.otherHistory = fits ? undefined : other;
    this.#oneOtherHistory = fits ? other : undefined;
    const names = subscribers.map((one) => one.name);
    for (const name of names) if (this.#positions.isAccepted(name)) this.#neighbours.backfills.consider(name);
    const { sent } = this.#context.progress;
    this.#isQuiet = names.every((name) => this.#positions.hasAll(name, sent));
    return this.#isQuiet ? Math.max(quietMs, options.releaseMs) : options.releaseMs;
  }

  /** A subscriber may lack something, or end a long pause. */
  #onReport(name: string): void {
    const isNews = this.#isQuiet && this.#positions.isNew(name);
    const gap = this.#context.reports.get(name)?.report.gap ?? null;
    if (!isNews && gap === null) return;
    this.#isQuiet = false;
    this.loop.wake();
  }

  async #reportSelf(): Promise<void> {
    const { publisher, copies } = this.#neighbours;
    const fault = publisher.loop.state?.fault ?? copies.loop.state?.fault ?? this.loop.state?.fault;
    const oneOther = this.#oneOtherHistory === undefined ? undefined : verdictOf(this.#oneOtherHistory);
    await this.#serviceReport.write({ fault, warning: copies.fault() ?? oneOther ?? this.#context.foreign.warning() });
  }

  #onFailed(error: unknown): void {
    this.#context.reports.recheckBucket();
    const { code } = toMillraceError(error);
    if (code === codes.DATABASE_UNREACHABLE || code === codes.INTERNAL) this.#lease.abandon();
  }
}

// Which batches a subscriber lacks: it says so, or the stream no longer holds them, or it does not move.
import type { CaptureOptions } from '../config.ts';
import type { StreamProgress } from '../publish/stream-progress.ts';
import type { ReceivedReport, Reports } from '../subscribers/reports.ts';

/** What backfills read of the rest of capture. */
export interface BackfillContext {
  readonly options: CaptureOptions;
  readonly reports: Reports;
  readonly progress: StreamProgress;
}

/** A position, and since when the subscriber has been there although there are newer ticks. */
interface Standstill {
  readonly tick: number;
  readonly since: number;
}

export class MissingBatches {
  readonly #context: BackfillContext;
  readonly #behind = new Map<string, Standstill>();

  constructor(context: BackfillContext) {
    this.#context = context;
  }

  /** The tick up to which the subscriber must be sent batches again; undefined: it lacks nothing. */
  upTo(name: string): number | undefined {
    const { reports, progress } = this.#context;
    const received = reports.ofRunning(name);
    const newest = progress.sent?.tick;
    if (received === undefined || newest === undefined || received.report.tick >= newest) {
      this.forget(name);
      return undefined;
    }
    const { tick, gap } = received.report;
    if (progress.coveredFrom !== undefined && tick < progress.coveredFrom) return progress.coveredFrom;
    if (gap !== null && gap.from === tick) return gap.to ?? newest;
    return this.#isStuck(name, received) ? newest : undefined;
  }

  /** What was observed of the subscriber no longer counts. */
  forget(name: string): void {
    this.#behind.delete(name);
  }

  #isStuck(name: string, { report, movedAt }: ReceivedReport): boolean {
    const { stuckMs } = this.#context.options;
    const now = performance.now();
    const behind = this.#behind.get(name);
    if (behind === undefined || behind.tick !== report.tick || report.busy) {
      this.#behind.set(name, { tick: report.tick, since: now });
      return false;
    }
    return now - behind.since > stuckMs && now - movedAt > stuckMs;
  }
}

// All reports of a replay: on the bus, in the subscriber's database for those who reach only that, as metrics, and
// as freshness.
import type { Bus } from '@millrace/bus';
import { codes, type Verdict } from '@millrace/errors';
import type { PgClient } from '@millrace/postgres';
import { type ReplayState, type StoredPosition, type SubscribedTable, writeReplayReport } from '@millrace/subscriber';
import type { Logger } from '@millrace/telemetry';
import type { Keyring, Report } from '@millrace/wire';
import { answerOf } from '../state/answer.ts';
import { BucketReporter } from './bucket-reporter.ts';
import type { Freshness } from './freshness.ts';
import type { ReportedReplay } from './make-report.ts';
import * as metrics from './metrics.ts';

export interface ReplayReportsOptions extends ReportedReplay {
  readonly keyring: Keyring;
  readonly client: PgClient;
  readonly bus: () => Bus | undefined;
  /** Left out: nobody requests how far behind this replay is. */
  readonly freshness: Freshness | undefined;
  readonly log: Logger;
}

/** The same state is written into the database again after so long, ms. */
const refreshStateMs = 5000;

export class ReplayReports {
  readonly #options: ReplayReportsOptions;
  readonly #bucket: BucketReporter;
  #writtenState = '';
  #writtenAt = 0;

  constructor(options: ReplayReportsOptions) {
    this.#options = options;
    this.#bucket = new BucketReporter(options);
    options.freshness?.useBus(options.bus);
  }

  positionRead(position: StoredPosition): void {
    this.#bucket.update({ position });
    this.#options.freshness?.positionAt(position.tick);
  }

  tablesChanged(tables: readonly SubscribedTable[]): void {
    this.#bucket.update({ tables });
    this.#options.freshness?.setTables(tables);
  }

  copyProgressed(): void {
    this.#bucket.changed();
  }

  setBusy(busy: boolean): void {
    this.#bucket.setBusy(busy);
  }

  /** Batches up to the position are committed; `batches`: how many in this transaction. */
  applied(position: StoredPosition, tickTime: string, batches: number): void {
    const lagMs = Math.max(0, Math.round(Date.now() - Date.parse(tickTime)));
    metrics.transactions.add(1);
    metrics.batchesApplied.add(batches);
    metrics.lagSeconds.record(lagMs / 1000);
    metrics.positionTick.set(position.tick);
    this.#options.freshness?.positionAt(position.tick);
    this.#bucket.update({ position, state: 'running', error: null, gap: null, lagMs });
  }

  /** What the bus lacks; null: nothing. */
  gap(gap: Report['gap']): void {
    if (gap !== null && this.#bucket.facts.gap === null) {
      metrics.gaps.add(1);
      this.#options.log.info(gap, 'the bus lacks what comes next; capture is requested to send it');
    }
    this.#bucket.update({ gap });
  }

  /** All is well, with or without anything to do. */
  async state(state: 'running' | 'paused'): Promise<void> {
    const { facts } = this.#bucket;
    if (facts.state !== state || facts.error !== null) this.#bucket.update({ state, error: null });
    await this.#writeState({ state, error: null });
  }

  failed({ code, sentence, action }: Verdict, gap: Report['gap']): void {
    const error = { code, message: sentence };
    if (code === codes.CONFLICT) metrics.conflictsMet.add(1, { outcome: 'stopped' });
    this.#bucket.update({ state: action === 'stop' ? 'stopped' : 'running', error, gap });
    if (action === 'stop') void this.#writeState({ state: 'stopped', error });
  }

  /** The last report before a stop. Never throws. */
  async finish(): Promise<void> {
    this.#options.freshness?.forget();
    await this.#bucket.finish();
  }

  async #writeState(report: ReplayState): Promise<void> {
    const text = JSON.stringify(report);
    if (text === this.#writtenState && performance.now() - this.#writtenAt < refreshStateMs) return;
    try {
      await answerOf(writeReplayReport(this.#options.client, this.#options.queue, report));
      this.#writtenState = text;
      this.#writtenAt = performance.now();
    } catch {
      // It is only a report; the next statement shows a lost session.
    }
  }
}

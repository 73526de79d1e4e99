// The positions that subscribers report, handed to the provider, which releases its queue up to the slowest.
import type { MillraceError } from '@millrace/errors';
import type { Position } from '@millrace/model';
import type { PgClient } from '@millrace/postgres';
import { type ReportVerdict, reportPosition, type SubscriberRecord } from '@millrace/provider';
import { logger } from '@millrace/telemetry';
import { providerHistory } from '../publish/provider-history.ts';
import type { ReceivedReport, Reports } from '../subscribers/reports.ts';

/** What was handed over last of a subscriber, when, and the provider's verdict. */
interface HandedOver {
  readonly key: string;
  readonly at: number;
  readonly verdict: ReportVerdict;
}

/** Whether the subscribers' positions are ticks of this provider. */
export interface HistoryFinding {
  /** At least one subscriber's position is a tick of this provider. */
  readonly fits: boolean;
  /** Of the first subscriber whose position is not. */
  readonly other: MillraceError | undefined;
}

/** An unchanged position is handed over again after this time, as a sign of life, ms. */
const repeatMs = 5000;

export class ReportedPositions {
  readonly #client: PgClient;
  readonly #queue: string;
  readonly #reports: Reports;
  readonly #log = logger('capture release');
  readonly #handedOver = new Map<string, HandedOver>();

  constructor(client: PgClient, queue: string, reports: Reports) {
    this.#client = client;
    this.#queue = queue;
    this.#reports = reports;
  }

  async handOver(subscribers: readonly SubscriberRecord[]): Promise<HistoryFinding> {
    let other: MillraceError | undefined;
    let fits = false;
    for (const { name } of subscribers) {
      const received = this.#reports.get(name);
      if (received === undefined) continue;
      const verdict = await this.#handOverOne(name, received);
      fits ||= verdict === 'ok';
      other ??= verdict === 'ahead' || verdict === 'history' ? otherHistory(name, received, verdict) : undefined;
    }
    const registered = new Set(subscribers.map((one) => one.name));
    for (const name of this.#handedOver.keys()) if (!registered.has(name)) this.#handedOver.delete(name);
    return { fits, other };
  }

  /** True when the provider knows the last position. */
  isAccepted(name: string): boolean {
    return this.#handedOver.get(name)?.verdict === 'ok';
  }

  /** True when the subscriber's last report has a position that was not handed over yet. */
  isNew(name: string): boolean {
    const received = this.#reports.get(name);
    return received !== undefined && this.#handedOver.get(name)?.key !== keyOf(received);
  }

  /** True when the subscriber has everything that was sent, and the provider knows it. */
  hasAll(name: string, sent: Position | undefined): boolean {
    const report = this.#reports.get(name)?.report;
    if (report === undefined || sent === undefined || this.isNew(name) || !this.isAccepted(name)) return false;
    return report.gap === null && report.tick >= sent.tick;
  }

  async #handOverOne(name: string, received: ReceivedReport): Promise<ReportVerdict> {
    const key = keyOf(received);
    const before = this.#handedOver.get(name);
    const isRepeat = before?.key === key && before.verdict === 'ok' && performance.now() - before.at < repeatMs;
    if (before !== undefined && isRepeat) return before.verdict;
    const verdict = await reportPosition(this.#client, this.#queue, name, received.report);
    this.#handedOver.set(name, { key, at: performance.now(), verdict });
    if (verdict === 'unknown' && before?.verdict !== verdict) this.#logLost(name, received.report.tick);
    return verdict;
  }

  /** A subscriber's database that went back further than the queue does cannot be served; the others are served on. */
  #logLost(name: string, tick: number): void {
    this.#log.error(
      { subscriber: name, tick },
      `the subscriber ${name} is at tick ${tick}, which the queue no longer keeps: it went back, or its consumer in the queue was taken away; copy its tables again`,
    );
  }
}

function keyOf({ report }: ReceivedReport): string {
  return `${report.provider} ${report.tick} ${report.fingerprint}`;
}

function otherHistory(name: string, { report }: ReceivedReport, verdict: ReportVerdict): MillraceError {
  const how = verdict === 'ahead' ? 'which is newer than any tick here' : 'which is another one here';
  return providerHistory(`the subscriber ${name} has applied tick ${report.tick}, ${how}`);
}

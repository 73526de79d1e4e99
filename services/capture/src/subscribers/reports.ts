// What the subscribers say of themselves, as it lies in the bucket. News, never the truth.
import { type Bus, watchBucket } from '@millrace/bus';
import { bucketName, decodeJson, isReportKey, type Report, report as reportSchema } from '@millrace/wire';
import { badMessages } from '../metrics.ts';

export interface Heard {
  readonly report: Report;
  /** Times of ours, ms, monotonic. */
  readonly heardAt: number;
  /** When its position last changed. */
  readonly movedAt: number;
}

/** A subscriber that said nothing for so long is taken for gone. They report every 2 s. */
const freshMs = 10_000;

export class Reports {
  readonly #queue: string;
  readonly #heard = new Map<string, Heard>();
  readonly #listeners = new Set<(name: string) => void>();
  #stop: (() => void) | undefined;
  #bus: Bus | undefined;

  constructor(queue: string) {
    this.#queue = queue;
  }

  /** Listens on this connection from now on; nothing happens when it does already. */
  follow(bus: Bus): void {
    if (this.#bus === bus) return;
    this.stop();
    this.#bus = bus;
    this.#stop = watchBucket(bus, bucketName(this.#queue), (change) => {
      if (change.kind === 'value' && change.value !== undefined && isReportKey(change.key)) this.#take(change.value);
    });
  }

  stop(): void {
    this.#stop?.();
    this.#stop = undefined;
    this.#bus = undefined;
  }

  get(name: string): Heard | undefined {
    return this.#heard.get(name);
  }

  /** True when it spoke a short while ago. */
  isFresh(name: string): boolean {
    const heard = this.#heard.get(name);
    return heard !== undefined && performance.now() - heard.heardAt < freshMs;
  }

  /** Calls back with the name at every report. Returns the way to stop that. */
  onReport(listener: (name: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #take(value: Buffer): void {
    const report = parseReport(value, this.#queue);
    if (report === undefined) {
      badMessages.add(1);
      return;
    }
    const now = performance.now();
    const before = this.#heard.get(report.subscriber);
    const isSame = before?.report.tick === report.tick && before.report.fingerprint === report.fingerprint;
    this.#heard.set(report.subscriber, { report, heardAt: now, movedAt: isSame ? before.movedAt : now });
    for (const listener of this.#listeners) listener(report.subscriber);
  }
}

function parseReport(value: Buffer, queue: string): Report | undefined {
  const report = decodeJson(reportSchema, value);
  return report?.queue === queue ? report : undefined;
}

// What the subscribers report of themselves, as it is in the bucket. News, never the truth.
import { type Bus, type BusConnection, ensureBucket, watchBucket } from '@millrace/bus';
import { bucketName, decodeJson, isReportKey, type Report, report as reportSchema } from '@millrace/wire';
import { badMessages } from '../metrics.ts';
import { Signal } from './signal.ts';

export interface ReceivedReport {
  readonly report: Report;
  /** When it arrived, of this process's monotonic clock, ms. */
  readonly receivedAt: number;
  /** When the position last changed, of the same clock. */
  readonly movedAt: number;
}

/** A subscriber whose last report is older is not waited for. They report every 2 s. */
const freshMs = 10_000;
/** Reports of subscribers that are not registered, or not yet: whoever may write to the bucket can make up names. */
const maxStrangers = 100;

/** The bucket may have been lost: subscribers need not have the right to make it. */
const bucketCheckMs = 2000;

export class Reports {
  /** A subscriber, by its name, has reported. */
  readonly received = new Signal<string>();
  readonly #queue: string;
  readonly #connection: BusConnection;
  readonly #last = new Map<string, ReceivedReport>();
  #registered: ReadonlySet<string> = new Set();
  #strangers = 0;
  #stop: (() => void) | undefined;
  /** The connection that is listened on. */
  #bus: Bus | undefined;
  #bucketCheckedAt = Number.NEGATIVE_INFINITY;

  constructor(queue: string, connection: BusConnection) {
    this.#queue = queue;
    this.#connection = connection;
  }

  /** Listens on the present connection to the bus; nothing happens when it does already. Throws while there is none. */
  async follow(): Promise<void> {
    const bus = await this.#connection.get();
    const bucket = bucketName(this.#queue);
    if (performance.now() - this.#bucketCheckedAt > bucketCheckMs) {
      await ensureBucket(bus, { bucket });
      this.#bucketCheckedAt = performance.now();
    }
    if (this.#bus === bus) return;
    this.stop();
    this.#bus = bus;
    this.#stop = watchBucket(bus, bucket, (change) => {
      if (change.kind === 'value' && change.value !== undefined && isReportKey(change.key)) this.#receive(change.value);
    });
  }

  /** Who is registered at the provider; what others reported is forgotten when it is old. */
  expect(names: Iterable<string>): void {
    this.#registered = new Set(names);
    for (const name of this.#last.keys()) {
      if (!this.#registered.has(name) && !this.isFresh(name)) this.#last.delete(name);
    }
    this.#strangers = [...this.#last.keys()].filter((name) => !this.#registered.has(name)).length;
  }

  /** The bucket may be gone or altered: the next `follow` makes sure of it. */
  recheckBucket(): void {
    this.#bucketCheckedAt = Number.NEGATIVE_INFINITY;
  }

  stop(): void {
    this.#stop?.();
    this.#stop = undefined;
    this.#bus = undefined;
  }

  /** The last report of a subscriber. */
  get(name: string): ReceivedReport | undefined {
    return this.#last.get(name);
  }

  /** True when the last report is a few seconds old at most. */
  isFresh(name: string): boolean {
    const last = this.#last.get(name);
    return last !== undefined && performance.now() - last.receivedAt < freshMs;
  }

  /** The last report of a subscriber that is there and runs. */
  ofRunning(name: string): ReceivedReport | undefined {
    const last = this.#last.get(name);
    return last?.report.state === 'running' && this.isFresh(name) ? last : undefined;
  }

  #receive(value: Buffer): void {
    const report = parseReport(value, this.#queue);
    if (report === undefined) {
      badMessages.add(1);
      return;
    }
    const now = performance.now();
    const before = this.#last.get(report.subscriber);
    if (before === undefined && !this.#registered.has(report.subscriber)) {
      if (this.#strangers >= maxStrangers) {
        badMessages.add(1);
        return;
      }
      this.#strangers += 1;
    }
    const isSame = before?.report.tick === report.tick && before.report.fingerprint === report.fingerprint;
    this.#last.set(report.subscriber, { report, receivedAt: now, movedAt: isSame ? before.movedAt : now });
    this.received.emit(report.subscriber);
  }
}

function parseReport(value: Buffer, queue: string): Report | undefined {
  const report = decodeJson(reportSchema, value);
  return report?.queue === queue ? report : undefined;
}

// What the subscribers report of themselves, as it is in the bucket. News, never the truth.
import { type Bus, type BusConnection, ensureBucket, type KeyChange, watchBucket } from '@millrace/bus';
import {
  bucketName,
  bucketSubject,
  isReportKey,
  type Keyring,
  type Report,
  readJson,
  reportKey,
  report as reportSchema,
} from '@millrace/wire';
import type { CaptureOptions } from '../config.ts';
import { badMessages } from '../metrics.ts';
import type { ForeignMessages } from './foreign-messages.ts';
import { Signal } from './signal.ts';

export interface ReceivedReport {
  readonly report: Report;
  /** When it arrived, of this process's monotonic clock, ms. */
  readonly receivedAt: number;
  /** When the position last changed, of the same clock. */
  readonly movedAt: number;
  /** When it was signed, of the subscriber's clock, ms; undefined: it is not signed. */
  readonly stamp: number | undefined;
  /** Its place in the bucket. */
  readonly sequence: number;
}

/** Where reports come from, and where what is none is noted. */
export interface ReportsContext {
  readonly connection: BusConnection;
  readonly foreign: ForeignMessages;
}

/** A subscriber whose last report is older is not waited for. They report every 2 s. */
const freshMs = 10_000;
/** Reports of subscribers that are not registered, or not yet: whoever may write to the bucket can make up names. */
const maxStrangers = 100;

/** The bucket may have been lost: subscribers need not have the right to make it. */
const bucketCheckMs = 2000;
/**
 * A signed report that is older than the last one is a repeated one, unless the last came so long ago and this one was signed within
 * this time: a clock was set back, ms.
 */
const silentMs = 30_000;

export class Reports {
  /** A subscriber, by its name, has reported. */
  readonly received = new Signal<string>();
  readonly #queue: string;
  readonly #keyring: Keyring;
  readonly #context: ReportsContext;
  readonly #last = new Map<string, ReceivedReport>();
  #registered: ReadonlySet<string> = new Set();
  #strangers = 0;
  #stop: (() => void) | undefined;
  /** The connection that is listened on. */
  #bus: Bus | undefined;
  #bucketCheckedAt = Number.NEGATIVE_INFINITY;

  constructor({ queue, keyring }: Pick<CaptureOptions, 'queue' | 'keyring'>, context: ReportsContext) {
    this.#queue = queue;
    this.#keyring = keyring;
    this.#context = context;
  }

  /** Listens on the present connection to the bus; nothing happens when it does already. Throws while there is none. */
  async follow(): Promise<void> {
    const bus = await this.#context.connection.get();
    const bucket = bucketName(this.#queue);
    if (performance.now() - this.#bucketCheckedAt > bucketCheckMs) {
      await ensureBucket(bus, { bucket });
      this.#bucketCheckedAt = performance.now();
    }
    if (this.#bus === bus) return;
    this.stop();
    this.#bus = bus;
    this.#stop = watchBucket(bus, bucket, (change) => {
      if (change.kind === 'value' && change.value !== undefined && isReportKey(change.key))
        this.#receive(change, change.value);
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

  #receive({ key, signature, sequence }: KeyChange, value: Buffer): void {
    const subject = bucketSubject(this.#queue, key);
    const author = { subscriber: key };
    const read = readJson(this.#keyring, reportSchema, { author, subject, data: value, signature });
    if (read.kind === 'refused' && read.isForeign) {
      this.#context.foreign.add({ subject, sequence, reason: read.reason });
      return;
    }
    // A report counts only under its own subscriber's key: who may write one key speaks for one subscriber.
    if (read.kind === 'refused' || read.message.queue !== this.#queue || reportKey(read.message.subscriber) !== key) {
      badMessages.add(1);
      return;
    }
    const { message: report, stamp } = read;
    const before = this.#last.get(report.subscriber);
    const now = performance.now();
    if (before === undefined && !this.#admitsStranger(report.subscriber)) {
      badMessages.add(1);
      return;
    }
    if (before !== undefined && this.#isRepeated(before, stamp)) {
      // The stream is read again from its newest values after every interruption.
      if (stamp !== before.stamp || sequence !== before.sequence) {
        const reason = 'not signed by us for now: it is an older report again';
        this.#context.foreign.add({ subject, sequence, reason });
      }
      return;
    }
    const isSame = before?.report.tick === report.tick && before.report.fingerprint === report.fingerprint;
    const movedAt = isSame ? before.movedAt : now;
    this.#last.set(report.subscriber, { report, receivedAt: now, movedAt, stamp, sequence });
    this.received.emit(report.subscriber);
  }

  /** A name that is not registered, or not yet, is remembered while there are few of them. */
  #admitsStranger(name: string): boolean {
    if (this.#registered.has(name)) return true;
    if (this.#strangers >= maxStrangers) return false;
    this.#strangers += 1;
    return true;
  }

  #isRepeated(before: ReceivedReport, stamp: number | undefined): boolean {
    if (before.stamp === undefined || stamp === undefined) return false;
    const isSilent = before.receivedAt < performance.now() - silentMs;
    return stamp <= before.stamp && !(isSilent && Math.abs(Date.now() - stamp) < silentMs);
  }
}

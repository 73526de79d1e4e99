// Writes the report of a replay into the queue's bucket: news soon but not too often, and a sign of life when there are none.
import { type Bus, putKey } from '@millrace/bus';
import { bucketName, bucketSubject, type Keyring, reportKey, signJson } from '@millrace/wire';
import { makeReport, type ReplayFacts, type ReportedReplay } from './make-report.ts';

export interface BucketReporterOptions extends ReportedReplay {
  readonly keyring: Keyring;
  readonly bus: () => Bus | undefined;
}

/** Least and greatest time between two reports, ms. */
const newsMs = 100;
const idleMs = 1850;
/** During a large batch nothing else shows that replay lives, ms. */
const busyMs = 900;
const checkMs = 950;

export class BucketReporter {
  readonly #options: BucketReporterOptions;
  readonly #timer: NodeJS.Timeout;
  #facts: ReplayFacts = {
    position: undefined,
    state: 'running',
    busy: false,
    error: null,
    gap: null,
    lagMs: 0,
    tables: [],
  };
  #sentAt = 0;
  #due: NodeJS.Timeout | undefined;
  #isSending = false;
  #isOutdated = false;

  constructor(options: BucketReporterOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#sendIfSilent(), checkMs);
    this.#timer.unref();
  }

  get facts(): ReplayFacts {
    return this.#facts;
  }

  /** Takes news; they go out within `newsMs`. */
  update(news: Partial<ReplayFacts>): void {
    const known: Record<string, unknown> = { ...this.#facts };
    this.#facts = { ...this.#facts, ...news };
    const isSame = ([key, value]: [string, unknown]) => JSON.stringify(value) === JSON.stringify(known[key]);
    if (!Object.entries(news).every(isSame)) this.changed();
  }

  /** Takes what the next report shows, but no report is made for. */
  setBusy(busy: boolean): void {
    this.#facts = { ...this.#facts, busy };
  }

  /** Something that the next report shows is new. */
  changed(): void {
    if (this.#due !== undefined) return;
    const wait = Math.max(0, this.#sentAt + newsMs - Date.now());
    this.#due = setTimeout(() => this.#send(), wait);
    this.#due.unref();
  }

  /** Sends the last report before a stop. Never throws. */
  async finish(): Promise<void> {
    clearInterval(this.#timer);
    clearTimeout(this.#due);
    await this.#put();
  }

  #sendIfSilent(): void {
    const limitMs = this.#facts.busy ? busyMs : idleMs;
    if (Date.now() - this.#sentAt >= limitMs) this.#send();
  }

  #send(): void {
    clearTimeout(this.#due);
    this.#due = undefined;
    if (this.#isSending) {
      this.#isOutdated = true;
      return;
    }
    this.#isSending = true;
    void this.#put().then(() => {
      this.#isSending = false;
      if (this.#isOutdated) this.changed();
      this.#isOutdated = false;
    });
  }

  async #put(): Promise<void> {
    this.#sentAt = Date.now();
    const { bus: busNow, queue, subscriber, keyring } = this.#options;
    const bus = busNow();
    const report = makeReport(this.#options, this.#facts);
    if (bus === undefined || report === undefined || !bus.isConnected()) return;
    const [key, value] = [reportKey(subscriber), JSON.stringify(report)];
    const author = { subscriber };
    const signature = signJson(keyring, { author, subject: bucketSubject(queue, key), text: value });
    const message = { key, value, signature };
    // A report that is lost delays release at the provider until the next one.
    await putKey(bus, { bucket: bucketName(queue) }, message).catch(() => {});
  }
}

// What every loop needs in one place: should I run, sleep unless stopped, cancel on stop, back off, and the difference
// between an intended stop, a passing fault and one a person must repair.
import { codes, type Verdict, verdictOf } from '@millrace/errors';
import { type HealthReport, type Logger, logger } from '@millrace/telemetry';
import { Backoff, type BackoffBounds } from './backoff.ts';
import { notReady, readyReport } from './service.ts';

export interface RunningStateOptions {
  /** For logs and reasons: `tick loop`. */
  readonly name: string;
  readonly log?: Logger | undefined;
  readonly backoff?: BackoffBounds | undefined;
}

/** The state of one run of one loop. Made at start, thrown away after stop. */
export class RunningState {
  readonly name: string;
  readonly log: Logger;
  readonly #stopper = new AbortController();
  readonly #backoff: Backoff;
  #wake: (() => void) | undefined;
  #endWait: (() => void) | undefined;
  #woken = false;
  #fault: Verdict | undefined;
  #hasSucceeded = false;

  constructor({ name, log, backoff }: RunningStateOptions) {
    this.name = name;
    this.log = log ?? logger(name);
    this.#backoff = new Backoff(backoff);
  }

  /** Aborts when the loop is to stop; give it to everything that waits. */
  get signal(): AbortSignal {
    return this.#stopper.signal;
  }

  shouldRun(): boolean {
    return !this.#stopper.signal.aborted;
  }

  /** Ends sleep and aborts `signal`. Safe to call twice. */
  stop(): void {
    this.#stopper.abort();
    this.#endWait?.();
  }

  /** Ends the present sleep, or the next one if none is on: a wake between two passes is never lost. */
  wake(): void {
    this.#woken = true;
    this.#wake?.();
  }

  /** Waits `ms`, or until stop or wake. 0 gives way to other work once. */
  async sleep(ms: number): Promise<void> {
    if (!this.#woken) await this.#wait(ms, (end) => (this.#wake = end));
    this.#wake = undefined;
    this.#woken = false;
  }

  /** Waits `ms`, or until stop; a wake does not shorten it, so that notices cannot turn a back-off into a storm. */
  async holdOff(ms: number): Promise<void> {
    await this.#wait(ms, () => {});
  }

  async #wait(ms: number, onEnd: (end: () => void) => void): Promise<void> {
    if (!this.shouldRun()) return;
    if (ms <= 0) return new Promise((resolve) => void setImmediate(resolve));
    await new Promise<void>((resolve) => {
      const end = () => {
        clearTimeout(timer);
        this.#endWait = undefined;
        resolve();
      };
      const timer = setTimeout(end, ms);
      this.#endWait = end;
      onEnd(end);
    });
  }

  /** Says that a pass succeeded: faults are over and the next delay is short. */
  succeeded(): void {
    if (this.#fault !== undefined) this.log.info({ after: this.#backoff.failures }, `${this.name} works again`);
    this.#fault = undefined;
    this.#hasSucceeded = true;
    this.#backoff.reset();
  }

  /**
   * Says that a pass failed; logs it, growing louder, and returns the delay before the next attempt in milliseconds.
   * A fault after `stop` was meant: it is not logged and the delay is 0.
   */
  failed(error: unknown): number {
    if (!this.shouldRun()) return 0;
    const verdict = verdictOf(error);
    const first = this.#fault?.code !== verdict.code || this.#fault.sentence !== verdict.sentence;
    this.#fault = verdict;
    const delayMs = verdict.action === 'retry' ? this.#backoff.next() : this.#backoff.max();
    this.#log(error, { first, delayMs: Math.round(delayMs), verdict });
    return delayMs;
  }

  /** The fault that has not been overcome, for reports; undefined while all is well. */
  get fault(): Verdict | undefined {
    return this.#fault;
  }

  /** Ready once a pass succeeded and none has failed since. */
  ready(): HealthReport {
    if (!this.shouldRun()) return notReady(`${this.name} is stopping`);
    if (this.#fault !== undefined) return notReady(`${this.name}: ${this.#fault.sentence}`);
    return this.#hasSucceeded ? readyReport : notReady(`${this.name} has not done its first pass yet`);
  }

  #log(error: unknown, { first, delayMs, verdict }: { first: boolean; delayMs: number; verdict: Verdict }): void {
    const failures = this.#backoff.failures;
    const fields = { code: verdict.code, failures, retry_in_ms: delayMs };
    // The same fault again is logged at the 10th, 100th, … time only: a database that is down for an hour is one event.
    // The stack matters for an internal error; for all else the sentence is enough.
    const loud = first || /^10*$/.test(String(failures));
    if (!loud) this.log.debug({ ...fields, err: error }, verdict.sentence);
    else if (verdict.action === 'retry' && failures < 10) this.log.warn(fields, verdict.sentence);
    else this.log.error(verdict.code === codes.INTERNAL ? { ...fields, err: error } : fields, verdict.sentence);
  }
}

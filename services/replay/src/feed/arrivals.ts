import { pause } from '@millrace/lifecycle';

/** Wakes whoever waits for the next message. What arrives between two waits is not missed. */
export class Arrivals {
  readonly #signal: AbortSignal;
  #hasNew = false;
  #wake: (() => void) | undefined;

  /** `signal` ends every wait. */
  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  /** Something arrived, or a wait is to end for another reason. */
  notify(): void {
    this.#hasNew = true;
    this.#wake?.();
  }

  /** What has arrived by now is about to be inspected. */
  inspect(): void {
    this.#hasNew = false;
  }

  /** Waits `ms`, or until something arrives that was not there at `inspect`. */
  async wait(ms: number): Promise<void> {
    if (this.#hasNew) return;
    const wakeOn = (end: () => void) => {
      this.#wake = end;
      return () => {
        this.#wake = undefined;
      };
    };
    await pause(ms, { signal: this.#signal, wakeOn });
  }
}

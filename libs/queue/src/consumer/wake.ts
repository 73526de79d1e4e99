// When to poll for the next batch: immediately after news of a tick, else after growing pauses.

/** Something that notifies of ticks: a LISTEN of one's own, the bus. A hint only: a tick without notice is found by polling. */
export interface WakeSource {
  /** Calls back after ticks, until the function that it returns is called. */
  subscribe(listener: () => void): (() => void) | Promise<() => void>;
}

export interface Pauses {
  /** First pause after a batch, milliseconds. */
  readonly minMs: number;
  /** Longest pause, milliseconds. */
  readonly maxMs: number;
}

/** Wait that news or an abort ends early. */
export class Waiter {
  readonly #pauses: Pauses;
  #pause: number;
  #news = false;
  #wake: (() => void) | undefined;

  constructor(pauses: Pauses) {
    this.#pauses = pauses;
    this.#pause = pauses.minMs;
  }

  /** There is news; also what comes before a wait ends it. */
  wake(): void {
    this.#news = true;
    this.#wake?.();
  }

  /** There was a batch: the next pause is short. */
  found(): void {
    this.#pause = this.#pauses.minMs;
  }

  /** Waits for news, for at most `maxMs`; by default no longer than the next pause. */
  async wait(signal: AbortSignal, maxMs?: number): Promise<void> {
    const pause = maxMs ?? this.#pause;
    this.#pause = Math.min(this.#pauses.maxMs, this.#pause * 2);
    if (!this.#news && !signal.aborted) await this.#sleep(pause, signal);
    this.#news = false;
  }

  async #sleep(ms: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    this.#wake = resolve;
    signal.addEventListener('abort', resolve as () => void, { once: true });
    await promise;
    clearTimeout(timer);
    this.#wake = undefined;
    signal.removeEventListener('abort', resolve as () => void);
  }
}

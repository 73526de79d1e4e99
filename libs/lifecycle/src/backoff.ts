/** Bounds of the delay between attempts, milliseconds. */
export interface BackoffBounds {
  /** First delay. Default 100. */
  readonly minMs?: number;
  /** Upper bound. Default 5,000. */
  readonly maxMs?: number;
}

/** Delays that double from `minMs` to `maxMs`, each shortened at random by up to half, so that several instances do not retry in step. */
export class Backoff {
  readonly #minMs: number;
  readonly #maxMs: number;
  #failures = 0;

  constructor({ minMs = 100, maxMs = 5_000 }: BackoffBounds = {}) {
    this.#minMs = minMs;
    this.#maxMs = Math.max(minMs, maxMs);
  }

  /** Failures since the last success. */
  get failures(): number {
    return this.#failures;
  }

  /** The delay before the next attempt, milliseconds; counts one failure. */
  next(): number {
    const full = Math.min(this.#maxMs, this.#minMs * 2 ** Math.min(this.#failures, 30));
    this.#failures += 1;
    return full * (0.5 + Math.random() / 2);
  }

  /** The upper bound, for what a person has to repair; counts one failure. */
  max(): number {
    this.#failures += 1;
    return this.#maxMs * (0.75 + Math.random() / 4);
  }

  /** A success: the next delay is short again. */
  reset(): void {
    this.#failures = 0;
  }
}

/** Pauses between questions: short while they find events, then growing by half to the idle pause. */
export class Pace {
  readonly #activeMs: number;
  readonly #idleMs: number;
  #pauseMs: number;

  constructor({ activeMs, idleMs }: { activeMs: number; idleMs: number }) {
    this.#activeMs = activeMs;
    this.#idleMs = Math.max(activeMs, idleMs);
    this.#pauseMs = activeMs;
  }

  /** The pause after a question that took `tookMs` and did or did not find events. Milliseconds. */
  after({ tookMs, foundEvents }: { tookMs: number; foundEvents: boolean }): number {
    this.#pauseMs = foundEvents ? this.#activeMs : Math.min(this.#idleMs, this.#pauseMs * 1.5);
    if (!foundEvents) return this.#pauseMs;
    // The question's own time counts towards the pace, but a slow database gets at least as long a rest.
    return Math.max(this.#pauseMs - tookMs, Math.min(tookMs, this.#idleMs));
  }
}

/** How fast a count grows: over the last seconds, not since its beginning. */
export class Rate {
  readonly #windowMs: number;
  readonly #now: () => number;
  #samples: { at: number; n: number }[] = [];

  constructor(windowMs = 10_000, now: () => number = () => performance.now()) {
    this.#windowMs = windowMs;
    this.#now = now;
  }

  /** It is `n` now. Smaller than before: it started again. */
  note(n: number): void {
    const at = this.#now();
    const last = this.#samples.at(-1);
    if (last !== undefined && n < last.n) this.#samples = [];
    // A few samples a second are enough.
    if (last !== undefined && this.#samples.length > 1 && at - (this.#samples.at(-2)?.at ?? 0) < 250)
      this.#samples.pop();
    this.#samples.push({ at, n });
    while (this.#samples.length > 2 && at - (this.#samples[1]?.at ?? at) > this.#windowMs) this.#samples.shift();
  }

  /** Per second, whole; 0: nothing came for a while. Undefined: too early to say. */
  perSecond(): number | undefined {
    const [first] = this.#samples;
    const last = this.#samples.at(-1);
    if (first === undefined || last === undefined || last.at - first.at < 200) return undefined;
    // A standstill since the last sample lowers the rate.
    return Math.round((1000 * (last.n - first.n)) / (Math.max(last.at, this.#now() - 1000) - first.at));
  }
}

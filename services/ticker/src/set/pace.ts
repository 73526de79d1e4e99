/**
 * Pauses between questions: short while they find events, then in step with the silence. A waking process costs the
 * machine more than the question itself (about 1 ms of CPU where it was measured), so a long silence must be cheap;
 * who was silent for a second is looked at every 25 ms, who was silent for 20 s waits at most half a second.
 */
export class Pace {
  readonly #activeMs: number;
  readonly #idleMs: number;
  #silentSince: number | undefined;

  constructor({ activeMs, idleMs }: { activeMs: number; idleMs: number }) {
    this.#activeMs = activeMs;
    this.#idleMs = Math.max(activeMs, idleMs);
  }

  /** The pause after a question that took `tookMs` and ended at `now`, and did or did not find events. Milliseconds. */
  after({ tookMs, foundEvents, now }: { tookMs: number; foundEvents: boolean; now: number }): number {
    if (foundEvents) {
      this.#silentSince = undefined;
      // The question's own time counts towards the pace, but a slow database gets at least as long a rest.
      return Math.max(this.#activeMs - tookMs, Math.min(tookMs, this.#idleMs));
    }
    this.#silentSince ??= now;
    const inStep = (now - this.#silentSince) * shareOfSilence;
    return Math.min(this.#idleMs, Math.max(this.#activeMs, inStep, tookMs));
  }
}

/** The pause as a part of the silence before it. */
const shareOfSilence = 0.025;

/**
 * The rest after a look at the capture triggers that took `tookMs`. A look asks about every table: with many of them it is
 * rarer, up to a hundredth of the time and every half minute; only a look of seconds, at thousands of tables, is rarer still.
 */
export function restAfterRefresh(tookMs: number): number {
  return Math.min(tookMs * 100, Math.max(30_000, tookMs * 20));
}

/** The pause as a part of the silence before it. */
const shareOfSilence = 0.025;

/**
 * Pauses between polls: short while they find events, then in proportion to the silence. A waking process costs the
 * machine more than the query itself (about 1 ms of CPU where it was measured), so a long silence must be cheap;
 * after a silence of one second a poll comes every 25 ms, after 20 s every half second.
 */
export class Pace {
  readonly #activeMs: number;
  readonly #idleMs: number;
  #silentSince: number | undefined;

  constructor({ activeMs, idleMs }: { activeMs: number; idleMs: number }) {
    this.#activeMs = activeMs;
    this.#idleMs = Math.max(activeMs, idleMs);
  }

  /** The pause after a poll that took `tookMs` and ended at `now`, and did or did not find events. Milliseconds. */
  after({ tookMs, foundEvents, now }: { tookMs: number; foundEvents: boolean; now: number }): number {
    if (foundEvents) {
      this.#silentSince = undefined;
      // The query's own time counts towards the pace, but a slow database gets a pause no shorter than that.
      return Math.max(this.#activeMs - tookMs, Math.min(tookMs, this.#idleMs));
    }
    this.#silentSince ??= now;
    const inStep = (now - this.#silentSince) * shareOfSilence;
    return Math.min(this.#idleMs, Math.max(this.#activeMs, inStep, tookMs));
  }
}

/**
 * The pause after a refresh of the capture triggers that took `tookMs`. A refresh inspects every table: with many of them it is
 * rarer, up to a hundredth of the time and every half minute; only one of seconds, for thousands of tables, is rarer still.
 */
export function pauseAfterRefresh(tookMs: number): number {
  return Math.min(tookMs * 100, Math.max(30_000, tookMs * 20));
}

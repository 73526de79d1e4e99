import { setTimeout as delay } from 'node:timers/promises';

/** How long to look, in ms, and how often. */
export interface Patience {
  readonly timeoutMs: number;
  readonly everyMs?: number;
}

/**
 * Looks until the answer is something other than undefined or false, and gives it. An error while looking counts as
 * "not yet" (servers are down now and then). Throws at the deadline with `what` and the last error.
 */
export async function waitFor<T>(
  what: string,
  look: () => Promise<T | undefined | false> | T | undefined | false,
  patience: Patience = { timeoutMs: 30_000 },
): Promise<T> {
  const deadline = performance.now() + patience.timeoutMs;
  let last: unknown;
  for (;;) {
    try {
      const seen = await look();
      if (seen !== undefined && seen !== false) return seen;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (performance.now() > deadline) break;
    await delay(patience.everyMs ?? 50);
  }
  const why = last === undefined ? '' : ` (last error: ${last instanceof Error ? last.message : String(last)})`;
  throw new Error(`not within ${patience.timeoutMs} ms: ${what}${why}`);
}

/** Sleeps as part of a plan (a pace, a hold), never as a guess that something is done. */
export async function pause(ms: number): Promise<void> {
  await delay(ms);
}

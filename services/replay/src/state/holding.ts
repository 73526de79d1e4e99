import type { Queryable } from '@millrace/postgres';
import { endHold, type Hold, isHeld } from '@millrace/subscriber';

/** Nobody may keep replay at a tick for longer, ms. */
const longestMs = 5000;
/** How often it is asked whether a hold still counts, ms; its end is told as well. */
const lookMs = 100;

/** Rests at a tick for somebody who looks at the tables as of it: for a moment, and no longer than that one is there. */
export class Holding {
  #since: number | undefined;

  /** How long to rest, ms. 0: a hold is over and the wishes are to be read again. Undefined: nothing keeps us at this tick. */
  async restAt(client: Queryable, holds: readonly Hold[], tick: number): Promise<number | undefined> {
    const hold = holds.find((one) => one.tick === tick);
    if (hold === undefined) {
      this.#since = undefined;
      return undefined;
    }
    this.#since ??= performance.now();
    if (performance.now() - this.#since < longestMs && (await isHeld(client, hold.id))) return lookMs;
    await endHold(client, hold.id);
    return 0;
  }
}

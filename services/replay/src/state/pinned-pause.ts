import type { Queryable } from '@millrace/postgres';
import { endHold, type Hold, isHeld } from '@millrace/subscriber';
import { answerOf } from './answer.ts';

/** Longest pause at a tick, whoever pins it, ms. */
const maxPauseMs = 5000;
/** How often it is checked that a pin still counts, ms. Its end is notified as well. */
const checkMs = 100;

/** Pauses at the tick that a comparison reads the tables at: for a moment, and no longer than its session lives. */
export class PinnedPause {
  #since: number | undefined;

  /** How long to pause, ms. 0: the pin is over, the desired state is to be read again. Undefined: none at this tick. */
  async pauseAt(client: Queryable, holds: readonly Hold[], tick: number): Promise<number | undefined> {
    const hold = holds.find((one) => one.tick === tick);
    if (hold === undefined) {
      this.#since = undefined;
      return undefined;
    }
    this.#since ??= performance.now();
    const isInTime = performance.now() - this.#since < maxPauseMs;
    if (isInTime && (await answerOf(isHeld(client, hold.id)))) return checkMs;
    await answerOf(endHold(client, hold.id));
    return 0;
  }
}

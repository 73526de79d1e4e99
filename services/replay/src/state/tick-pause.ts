import type { Queryable } from '@millrace/postgres';
import { isPausePinned, type PinnedPause, unpinPause } from '@millrace/subscriber';
import { answerOf } from './answer.ts';

/** A pause at a tick ends after this, whoever pinned it, ms. */
const maxPauseMs = 5000;
/** How often it is checked that a pin still counts, ms. Its end is notified as well. */
const checkMs = 100;

/** Pauses at the tick that a comparison reads the tables at: for a moment, and no longer than its session lives. */
export class TickPause {
  #since: number | undefined;

  /** How long to pause, ms. 0: the pin is over, the desired state is to be read again. Undefined: none at this tick. */
  async pauseAt(client: Queryable, pauses: readonly PinnedPause[], tick: number): Promise<number | undefined> {
    const pin = pauses.find((one) => one.tick === tick);
    if (pin === undefined) {
      this.#since = undefined;
      return undefined;
    }
    this.#since ??= performance.now();
    const isInTime = performance.now() - this.#since < maxPauseMs;
    if (isInTime && (await answerOf(isPausePinned(client, pin.id)))) return checkMs;
    await answerOf(unpinPause(client, pin.id));
    return 0;
  }
}

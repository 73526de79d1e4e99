import type { Queryable } from '@millrace/postgres';
import { type RefusedMessage, recordRefused } from '@millrace/subscriber';
import type { Logger } from '@millrace/telemetry';
import { foreignMessages, refusedMessages } from '../report/metrics.ts';

/** Refused messages that wait to be recorded; more are only counted and logged. */
const maxWaiting = 50;

/** Messages that will not be applied: logged when they come, recorded in the database between two batches. */
export class RefusedMessages {
  readonly #log: Logger;
  #waiting: RefusedMessage[] = [];

  constructor(log: Logger) {
    this.#log = log;
  }

  /** `isForeign`: nobody who has our key wrote it. */
  add(refused: RefusedMessage, isForeign: boolean): void {
    refusedMessages.add(1);
    if (isForeign) foreignMessages.add(1);
    this.#log.warn(refused, `a message is set aside: ${refused.reason}`);
    this.#waiting.push(refused);
    if (this.#waiting.length > maxWaiting) this.#waiting.shift();
  }

  async record(client: Queryable, queue: string): Promise<void> {
    for (const refused of this.#waiting.splice(0)) await recordRefused(client, queue, refused);
  }
}

// Messages on the bus that are not signed with our key, or not for the place where they are: counted, logged, and shown to
// operators for a while. Nothing else follows from them.
import { codes, MillraceError, type Verdict, verdictOf } from '@millrace/errors';
import { logger } from '@millrace/telemetry';
import { foreignMessages } from '../metrics.ts';

/** Where one was found. */
export interface ForeignMessage {
  readonly subject: string;
  /** Place in its stream. */
  readonly sequence: number;
  readonly reason: string;
}

/** Operators are shown it for this time, ms. */
const shownMs = 10 * 60_000;
/** While others write into the stream of batches, each message is sent behind the one before it is stored, for this time, ms. */
const guardedMs = 15_000;
/** Each is logged, up to so many in ten seconds; the others are counted. */
const maxLogged = 1000;
const logWindowMs = 10_000;

export class ForeignMessages {
  readonly #log = logger('capture');
  #count = 0;
  #last: ForeignMessage | undefined;
  #lastAt = Number.NEGATIVE_INFINITY;
  #window = { since: Number.NEGATIVE_INFINITY, logged: 0 };
  /** Up to where the stream of batches was judged, and which stream that was. */
  #judged = { created: '', sequence: 0 };

  add(message: ForeignMessage): void {
    foreignMessages.add(1);
    const now = performance.now();
    this.#count += 1;
    this.#last = message;
    this.#lastAt = now;
    if (now - this.#window.since > logWindowMs) this.#window = { since: now, logged: 0 };
    this.#window.logged += 1;
    const { subject, sequence, reason } = message;
    if (this.#window.logged <= maxLogged) this.#log.warn({ subject, sequence }, `a message is set aside: ${reason}`);
  }

  /** The same, of the stream of batches, which is read again and again: each counts once. */
  addOfStream(created: string, message: ForeignMessage): void {
    if (this.#judged.created !== created) this.#judged = { created, sequence: 0 };
    if (message.sequence <= this.#judged.sequence) return;
    this.#judged.sequence = message.sequence;
    this.add(message);
  }

  /** True while others write, or wrote a moment ago. */
  get isGuarded(): boolean {
    return performance.now() - this.#lastAt < guardedMs;
  }

  /** What operators are to know; undefined: nothing came lately. */
  warning(): Verdict | undefined {
    if (this.#last === undefined || performance.now() - this.#lastAt > shownMs) return undefined;
    const { subject, sequence, reason } = this.#last;
    const many = this.#count === 1 ? '1 message' : `${this.#count} messages`;
    const text = `${many} on the bus set aside, the last at ${sequence} of ${subject}: ${reason}`;
    return verdictOf(
      new MillraceError(codes.BAD_MESSAGE, text, {
        advice: 'nothing came of it; see who may write on the bus, and whether all hosts have the same bus.key',
      }),
    );
  }
}

import { codes, MillraceError } from '@millrace/errors';

export interface SlotsOptions {
  /** What the work is called in messages: `reading requests`. */
  readonly what: string;
  readonly maxRunning: number;
  readonly maxWaiting: number;
}

/** Bounds how much of one kind of work runs concurrently; some more waits for its turn, first come first served. */
export class Slots {
  readonly #options: SlotsOptions;
  readonly #waiting = new Set<() => void>();
  #running = 0;

  constructor(options: SlotsOptions) {
    this.#options = options;
  }

  /** Throws TOO_MANY when too many wait already; CANCELLED when the signal comes before its turn. */
  async run<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    await this.#turn(signal);
    try {
      return await work();
    } finally {
      this.#running -= 1;
      this.#next();
    }
  }

  async #turn(signal: AbortSignal): Promise<void> {
    const { what, maxRunning, maxWaiting } = this.#options;
    if (this.#running < maxRunning) {
      this.#running += 1;
      return;
    }
    if (this.#waiting.size >= maxWaiting) {
      throw new MillraceError(codes.TOO_MANY, `${this.#running} ${what} are served and ${maxWaiting} wait already`, {
        advice: 'try again later',
      });
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const leave = () => {
      this.#waiting.delete(resolve);
      reject(new MillraceError(codes.CANCELLED, 'nobody waits for it'));
    };
    this.#waiting.add(resolve);
    signal.addEventListener('abort', leave, { once: true });
    await promise.finally(() => signal.removeEventListener('abort', leave));
  }

  #next(): void {
    const [next] = this.#waiting;
    if (next === undefined) return;
    this.#waiting.delete(next);
    this.#running += 1;
    next();
  }
}

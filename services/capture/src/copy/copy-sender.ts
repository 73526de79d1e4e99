// Chunks of a copy sent to the bus. A bus that is away for a while does not end the copy: what was not stored is sent again.
import { type Bus, openPublisher, type Publisher } from '@millrace/bus';
import { codes, MillraceError, toMillraceError } from '@millrace/errors';
import { copyStreamName, copySubject, type Keyring, signMessage } from '@millrace/wire';

export interface CopySenderOptions {
  readonly bus: Bus;
  readonly queue: string;
  readonly keyring: Keyring;
  readonly copyId: number;
  /** A bus that is away for longer aborts the copy, whose snapshot keeps the provider from vacuuming, ms. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** Between two checks whether the bus is back. */
const pollMs = 100;

export class CopySender {
  readonly #options: CopySenderOptions;
  #publisher: Publisher;
  /** Not known to be stored, in order. Duplicates are harmless: a subscriber skips chunks that it has. */
  #unstored: Buffer[] = [];
  #isClosed = false;

  constructor(options: CopySenderOptions) {
    this.#options = options;
    this.#publisher = this.#open();
  }

  /** Sends; waits while the publisher is full. Throws BUS_UNAVAILABLE when the bus stays away. */
  async send(message: Buffer): Promise<void> {
    this.#unstored.push(message);
    await this.#withRetry(() => this.#publish(message));
  }

  /** Waits until all is stored. */
  async flush(): Promise<void> {
    await this.#withRetry(() => this.#publisher.flush());
  }

  close(): void {
    this.#isClosed = true;
    this.#publisher.close();
  }

  async #publish(message: Buffer): Promise<void> {
    const { queue, copyId } = this.#options;
    const { stored } = await this.#publisher.send(copySubject(queue, copyId), message);
    stored.then(
      () => this.#forget(message),
      () => {},
    );
  }

  #forget(message: Buffer): void {
    const at = this.#unstored.indexOf(message);
    if (at >= 0) this.#unstored.splice(at, 1);
  }

  /** Does the step; when the bus fails, waits for it and sends all that is not stored once more. */
  async #withRetry(step: () => Promise<void>): Promise<void> {
    const deadline = performance.now() + this.#options.timeoutMs;
    let work = step;
    while (true) {
      try {
        return await work();
      } catch (error) {
        if (toMillraceError(error).code !== codes.BUS_UNAVAILABLE) throw error;
        await this.#reconnect(error, deadline);
        work = () => this.#sendAgain();
      }
    }
  }

  async #sendAgain(): Promise<void> {
    const [first, ...rest] = this.#unstored;
    // A server that has just started may refuse a few: behind a missing chunk the subscribers would take nothing.
    if (first !== undefined) await this.#publish(first);
    await this.#publisher.flush();
    for (const message of rest) await this.#publish(message);
    await this.#publisher.flush();
  }

  async #reconnect(error: unknown, deadline: number): Promise<void> {
    const { bus, signal } = this.#options;
    this.#publisher.close();
    do {
      if (this.#isClosed || signal.aborted || performance.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, pollMs));
    } while (!bus.isConnected());
    if (this.#isClosed) throw error;
    this.#publisher = this.#open();
  }

  #open(): Publisher {
    const { bus, queue, keyring } = this.#options;
    return openPublisher(bus, {
      stream: copyStreamName(queue),
      sign: (subject, data) => signMessage(keyring, { subject, data, sequence: undefined }),
    });
  }
}

/** The copy must not continue. */
export function copyAborted(): MillraceError {
  return new MillraceError(
    codes.TIMEOUT,
    'the copy was aborted: capture is stopping, or the copy is no longer requested',
  );
}

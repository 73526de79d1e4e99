// The stream is bounded and discards what is old. What nobody has read yet must not be pushed out by what comes behind it.
import { type Bus, readersOf } from '@millrace/bus';

export interface PacerOptions {
  readonly bus: Bus;
  readonly stream: string;
  readonly subject: string;
  /** So much may lie unread before the writer waits, bytes. */
  readonly limitBytes: number;
  /** A reader that takes nothing for so long is not waited for, ms. */
  readonly patienceMs: number;
  readonly signal: AbortSignal;
}

const lookEveryBytes = 16 * 1024 * 1024;
const lookAgainMs = 50;

/**
 * Holds the writer of one subject back while its **fastest** reader is far behind: a slow reader never slows the others, it
 * is given again what it lost. Without readers nobody is waited for.
 */
export class Pacer {
  readonly #options: PacerOptions;
  #sinceLook = 0;
  #bytes = 0;
  #messages = 0;

  constructor(options: PacerOptions) {
    this.#options = options;
  }

  /** To be called for every message sent. */
  async sent(bytes: number): Promise<void> {
    this.#bytes += bytes;
    this.#messages += 1;
    this.#sinceLook += bytes;
    if (this.#sinceLook < lookEveryBytes) return;
    this.#sinceLook = 0;
    await this.#wait();
  }

  async #wait(): Promise<void> {
    const { limitBytes, patienceMs, signal } = this.#options;
    let least = Number.POSITIVE_INFINITY;
    let movedAt = performance.now();
    while (!signal.aborted && performance.now() - movedAt < patienceMs) {
      const pending = await this.#leastPending();
      if (pending * (this.#bytes / this.#messages) <= limitBytes) return;
      if (pending < least) movedAt = performance.now();
      least = Math.min(least, pending);
      await new Promise((resolve) => setTimeout(resolve, lookAgainMs));
    }
  }

  async #leastPending(): Promise<number> {
    const { bus, stream, subject } = this.#options;
    const readers = await readersOf(bus, stream, subject);
    return readers.length === 0 ? 0 : Math.min(...readers.map((reader) => reader.pending));
  }
}

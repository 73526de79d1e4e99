// The stream is bounded and discards what is old. What no subscriber has read yet must not be discarded for what comes behind it.
import { type Bus, readersOf } from '@millrace/bus';

export interface PacerOptions {
  readonly bus: Bus;
  readonly stream: string;
  readonly subject: string;
  /** What may be unread before the writer waits, bytes. */
  readonly maxUnreadBytes: number;
  /** A reader that reads nothing for this time is not waited for, ms. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** Between two checks while the writer sends. */
const checkBytes = 16 * 1024 * 1024;
/** Between two checks while it waits. */
const pollMs = 50;

/**
 * Makes the writer of one subject wait while its **fastest** reader is far behind: a slow reader never slows the others, it
 * gets again what it missed. Without readers it never waits.
 */
export class Pacer {
  readonly #options: PacerOptions;
  #sinceCheck = 0;
  #bytes = 0;
  #messages = 0;

  constructor(options: PacerOptions) {
    this.#options = options;
  }

  /** Call for every message sent. */
  async sent(bytes: number): Promise<void> {
    this.#bytes += bytes;
    this.#messages += 1;
    this.#sinceCheck += bytes;
    if (this.#sinceCheck < checkBytes) return;
    this.#sinceCheck = 0;
    await this.#wait();
  }

  async #wait(): Promise<void> {
    const { maxUnreadBytes, timeoutMs, signal } = this.#options;
    let minPending = Number.POSITIVE_INFINITY;
    let movedAt = performance.now();
    while (!signal.aborted && performance.now() - movedAt < timeoutMs) {
      const pending = await this.#minPending();
      if (pending * (this.#bytes / this.#messages) <= maxUnreadBytes) return;
      if (pending < minPending) movedAt = performance.now();
      minPending = Math.min(minPending, pending);
      await new Promise((resolve) => setTimeout(resolve, pollMs));
    }
  }

  async #minPending(): Promise<number> {
    const { bus, stream, subject } = this.#options;
    const readers = await readersOf(bus, stream, subject);
    return readers.length === 0 ? 0 : Math.min(...readers.map((reader) => reader.pending));
  }
}

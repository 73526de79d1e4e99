// How far a copy may run ahead of the subscribers that take it.
import { codes, MillraceError } from '@millrace/errors';
import { tableLabel } from '@millrace/model';
import type { CopyRequest } from '@millrace/provider';
import type { Reports } from '../subscribers/reports.ts';
import { takingOf } from './taking.ts';

export interface TakerWindowOptions {
  readonly reports: Reports;
  readonly request: CopyRequest;
  readonly takers: readonly string[];
  /** A taker that takes nothing for this time is no longer waited for, ms. */
  readonly timeoutMs: number;
}

interface Taker {
  /** The last chunk that it has. */
  readonly chunk: number;
  readonly since: number;
}

/** What may be sent ahead of the slowest taker. Three concurrent copies stay below the stream's bound. */
const maxInFlightBytes = 64 * 1024 * 1024;
const pollMs = 20;

export class TakerWindow {
  readonly #options: TakerWindowOptions;
  /** Takers that are still waited for. */
  readonly #takers = new Map<string, Taker>();
  /** Bytes sent up to and with each chunk. */
  readonly #ends: number[] = [];
  #bytes = 0;
  /** Since when the newest chunk waits to be sent. */
  #waitingSince = 0;

  constructor(options: TakerWindowOptions) {
    this.#options = options;
    const since = performance.now();
    for (const name of options.takers) this.#takers.set(name, { chunk: -1, since });
  }

  /**
   * Waits until this chunk may be sent: while the slowest taker is far behind. A taker that takes nothing at all is left out.
   * Throws TIMEOUT when none is left.
   */
  async enter(bytes: number, signal: AbortSignal): Promise<void> {
    this.#bytes += bytes;
    this.#ends.push(this.#bytes);
    this.#waitingSince = performance.now();
    while (!signal.aborted && this.#bytes - this.#taken() > maxInFlightBytes) {
      await new Promise((resolve) => setTimeout(resolve, pollMs));
    }
    this.#taken();
  }

  /** Bytes that every taker has. Throws when no taker is left. */
  #taken(): number {
    let taken = this.#bytes;
    for (const [name, before] of this.#takers) taken = Math.min(taken, this.#takenBy(name, before));
    if (this.#takers.size === 0) {
      const table = tableLabel(this.#options.request.table);
      throw new MillraceError(codes.TIMEOUT, `no subscriber takes the copy of ${table} at present`);
    }
    return taken;
  }

  /** All bytes when the taker is no longer waited for. */
  #takenBy(name: string, before: Taker): number {
    const { reports, request } = this.#options;
    const now = performance.now();
    const taking = takingOf(reports, name, request);
    if (taking.kind !== 'taking') {
      this.#takers.delete(name);
      return this.#bytes;
    }
    if (taking.chunk > before.chunk) this.#takers.set(name, { chunk: taking.chunk, since: now });
    const bytes = this.#ends[Math.max(before.chunk, taking.chunk)] ?? 0;
    const isStill = now - Math.max(before.since, this.#waitingSince) > this.#timeoutMs(name);
    if (!isStill || this.#bytes - bytes <= maxInFlightBytes) return bytes;
    this.#takers.delete(name);
    return this.#bytes;
  }

  /** The last taker is waited for longer, as long as it reports: without it the work so far would be lost. */
  #timeoutMs(name: string): number {
    const { timeoutMs, reports } = this.#options;
    return this.#takers.size === 1 && reports.isFresh(name) ? 10 * timeoutMs : timeoutMs;
  }
}

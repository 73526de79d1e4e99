// Whether a copy that was sent must be sent again.
import type { Bus } from '@millrace/bus';
import type { CopyRequest } from '@millrace/provider';
import type { Keyring } from '@millrace/wire';
import type { Reports } from '../subscribers/reports.ts';
import { firstChunk } from './copy-stream.ts';
import { takingOf } from './taking.ts';

/** For a subscriber that waits for a chunk without progress for this time, the stream is checked for that chunk, ms. */
const stillMs = 5000;

export class CopyLosses {
  readonly #reports: Reports;
  readonly #keyring: Keyring;
  /** How far each subscriber was with a copy that is wholly sent, and since when. */
  readonly #progress = new Map<string, { at: string; since: number }>();

  constructor(reports: Reports, keyring: Keyring) {
    this.#reports = reports;
    this.#keyring = keyring;
  }

  /**
   * True when a subscriber says so, or does not move and the stream no longer holds what it needs next. Those that still move
   * come first: a new attempt would take from them what they have.
   */
  async isLost(bus: Bus, request: CopyRequest, takers: readonly string[]): Promise<boolean> {
    let isLost = false;
    for (const name of takers) {
      const taking = takingOf(this.#reports, name, request);
      if (taking.kind === 'broken') isLost = true;
      if (taking.kind !== 'taking') continue;
      if (this.#moves(`${request.copyId} ${request.attempt} ${name}`, `${taking.chunk} ${taking.bytes}`)) return false;
      isLost ||= !(await holds(bus, { request, keyring: this.#keyring }, taking.chunk + 1));
    }
    return isLost;
  }

  /** What was observed so far no longer counts. */
  clear(): void {
    this.#progress.clear();
  }

  #moves(key: string, at: string): boolean {
    const now = performance.now();
    const before = this.#progress.get(key);
    if (before?.at !== at) this.#progress.set(key, { at, since: now });
    return before?.at !== at || now - before.since <= stillMs;
  }
}

/** True when the stream holds a chunk of this attempt, or one before it. */
async function holds(
  bus: Bus,
  { request, keyring }: { request: CopyRequest; keyring: Keyring },
  chunk: number,
): Promise<boolean> {
  const first = await firstChunk(bus, { queue: request.queue, keyring }, request.copyId);
  if (first === undefined || first.attempt > request.attempt) return false;
  return first.attempt < request.attempt || first.chunk <= chunk;
}

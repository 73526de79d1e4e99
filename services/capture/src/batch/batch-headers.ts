// The headers of one batch's messages.
import type { Position, Tick } from '@millrace/model';
import { type BatchHeader, type BatchSeen, type SequenceValue, sha256Hex } from '@millrace/wire';
import type { OpenChunk } from './open-chunk.ts';

/** Which batch it is. */
export interface BatchIdentity {
  readonly provider: string;
  readonly queue: string;
  readonly prev: Position;
  readonly tick: Tick;
  readonly seen: BatchSeen;
  readonly trace: string | undefined;
}

/** What a written batch amounts to. */
export interface BatchTotals {
  readonly chunks: number;
  readonly lines: number;
  readonly bytes: number;
}

/** Makes them in order, and counts what they announce. */
export class BatchHeaders {
  readonly #batch: BatchIdentity;
  readonly #seen: BatchSeen | undefined;
  readonly #digests: string[] = [];
  #lines = 0;
  #bytes = 0;

  /** `seen`: of the batch, undefined to leave it out. */
  constructor(batch: BatchIdentity, seen: BatchSeen | undefined) {
    this.#batch = batch;
    this.#seen = seen;
  }

  get totals(): BatchTotals {
    return { chunks: this.#digests.length, lines: this.#lines, bytes: this.#bytes };
  }

  next({ sections, parts }: OpenChunk, sequences: readonly SequenceValue[], last: boolean): BatchHeader {
    const { provider, queue, prev, tick, trace } = this.#batch;
    const chunk = this.#digests.length;
    const sha256 = sha256Hex(parts);
    const lines = sections.reduce((sum, section) => sum + section.lines, 0);
    this.#digests.push(sha256);
    this.#lines += lines;
    for (const part of parts) this.#bytes += part.length;
    const total = { chunks: chunk + 1, lines: this.#lines, sha256: sha256Hex([this.#digests.join('')]) };
    return {
      v: 1,
      kind: 'batch',
      provider,
      queue,
      prev: { tick: prev.tick, fingerprint: prev.fingerprint },
      tick: { tick: tick.tick, fingerprint: tick.fingerprint, time: tick.time },
      chunk,
      last,
      sections,
      lines,
      sha256,
      ...(chunk === 0 && this.#seen !== undefined ? { seen: this.#seen } : {}),
      ...(last ? { total } : {}),
      ...(sequences.length > 0 ? { sequences: [...sequences] } : {}),
      ...(trace === undefined ? {} : { trace }),
    };
  }
}

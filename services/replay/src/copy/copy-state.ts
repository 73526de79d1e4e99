// How far one copy has come: which attempt, which chunk is next, and what is shown of it.
import type { StagedCopy } from '@millrace/subscriber';
import type { CopyHeader, Message } from '@millrace/wire';
import type { CopyProgress } from '../report/make-report.ts';
import { Rate } from './rate.ts';

/** What a chunk is to the copy: the next one, one that is not needed, or the proof that one before it is missing. */
export type ChunkPlace = 'next' | 'not needed' | 'behind a gap';

export class CopyState {
  readonly #copyId: number;
  readonly #onChanged: () => void;
  readonly #rate = new Rate();
  #attempt = -1;
  /** Last chunk taken; -1: none yet. */
  #chunk = -1;
  #rows = 0;
  #bytes = 0;
  #estimate: CopyHeader['estimate'];
  #isBroken = false;
  #error: string | null = null;

  constructor(copyId: number, onChanged: () => void) {
    this.#copyId = copyId;
    this.#onChanged = onChanged;
  }

  get attempt(): number {
    return this.#attempt;
  }

  get chunk(): number {
    return this.#chunk;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get isBroken(): boolean {
    return this.#isBroken;
  }

  get error(): string | null {
    return this.#error;
  }

  get progress(): CopyProgress {
    return {
      id: this.#copyId,
      attempt: this.#attempt,
      chunk: this.#chunk,
      rows: this.#rows,
      bytes: this.#bytes,
      broken: this.#isBroken,
      estimate: this.#estimate,
      rowsPerS: this.#rate.perSecond(),
      error: this.#error,
    };
  }

  /** The subject is read again from its beginning. */
  restart(): void {
    this.#chunk = -1;
    this.#isBroken = false;
  }

  /** Continues behind what an earlier session has loaded. */
  resumeAt(staged: StagedCopy): void {
    this.#standAt(staged.attempt);
    while (staged.chunks.has(this.#chunk + 1)) this.#chunk += 1;
    this.#rows = staged.rows;
    this.#bytes = staged.bytes;
    this.#onChanged();
  }

  /** An attempt begins with its first chunk. */
  beginWith({ attempt, estimate }: CopyHeader): void {
    this.#standAt(attempt);
    this.#estimate = estimate;
    this.#rate.note(0);
  }

  /** Of an older attempt nothing is needed; a newer one begins. A missing chunk makes the attempt broken. */
  place({ attempt, chunk }: CopyHeader): ChunkPlace {
    if (attempt < this.#attempt) return 'not needed';
    if (attempt > this.#attempt) this.#standAt(attempt);
    if (chunk <= this.#chunk || this.#isBroken) return 'not needed';
    if (chunk === this.#chunk + 1) return 'next';
    this.markBroken();
    return 'behind a gap';
  }

  /** A chunk was loaded; `isNew`: not by an earlier session. */
  took({ header, body }: Message<CopyHeader>, isNew: boolean): void {
    this.#chunk = header.chunk;
    if (!isNew) return;
    this.#bytes += body.length;
    for (let at = body.indexOf(10); at >= 0; at = body.indexOf(10, at + 1)) this.#rows += 1;
    this.#rate.note(this.#rows);
    this.#onChanged();
  }

  completed(rows: number): void {
    this.#rows = rows;
    this.#onChanged();
  }

  /** The attempt cannot be completed: the provider's side is to send another one. */
  markBroken(): void {
    this.#isBroken = true;
    this.#onChanged();
  }

  showError(error: string | null): void {
    this.#error = error;
    this.#onChanged();
  }

  #standAt(attempt: number): void {
    this.#attempt = attempt;
    this.#chunk = -1;
    this.#rows = 0;
    this.#bytes = 0;
    this.#isBroken = false;
  }
}

// What the bus lacks for a position. A gap is reported, so that capture sends what is missing again.
import { codes, MillraceError } from '@millrace/errors';
import type { Position } from '@millrace/model';

/** Ticks whose batches are missing; `to` null: it is not known how far. */
export interface Gap {
  readonly from: number;
  readonly to: number | null;
}

/** What was found in the buffers when nothing could be applied. */
export interface Shortage {
  /** A batch has begun whose rest is not there. */
  readonly isIncomplete: boolean;
  /** Where batches begin that lie behind the position; null: a batch without its beginning. */
  readonly gapEnds: readonly (number | null)[];
  readonly isOtherHistory: boolean;
}

/** The message that was refused belongs to the position that is inspected next. */
const nextPosition = -1;

export class GapWatch {
  readonly #chunkTimeoutMs: number;
  /** Since when a begun batch waits for its rest; 0: none does; -Infinity: its rest will not come. */
  #incompleteSince = 0;
  /** Tick of the position at which a message was refused. */
  #refusedAt: number | undefined;
  gap: Gap | null = null;
  /** The bus has another history than this subscriber. */
  otherHistory: MillraceError | undefined;

  /** A begun batch whose rest does not come for so long must be sent again, ms. */
  constructor(chunkTimeoutMs: number) {
    this.#chunkTimeoutMs = chunkTimeoutMs;
  }

  /** Nothing is missing, as far as the messages that came show. */
  get isClear(): boolean {
    return this.gap === null && this.otherHistory === undefined && this.#incompleteSince === 0;
  }

  /** The next work is there. */
  clear(): void {
    this.gap = null;
    this.otherHistory = undefined;
    this.#refusedAt = undefined;
    this.#incompleteSince = 0;
  }

  refused(): void {
    this.#refusedAt = nextPosition;
  }

  /** A begun batch was refused. */
  batchRefused(): void {
    this.#incompleteSince = Number.NEGATIVE_INFINITY;
  }

  /** Messages behind a missing chunk are there already. */
  chunkMissing(): void {
    this.#incompleteSince ||= Number.NEGATIVE_INFINITY;
  }

  /** The rest of a large batch did not come while it was applied. Returns the error to throw. */
  brokenOff(begin: Position, reason: string): MillraceError {
    this.#refusedAt = nextPosition;
    this.gap = { from: begin.tick, to: null };
    return new MillraceError(codes.TIMEOUT, `a large batch did not arrive whole: ${reason}`, {
      advice: 'it is requested again',
    });
  }

  /** Works out the gap at a position where nothing can be applied. */
  note(position: Position, { isIncomplete, gapEnds, isOtherHistory }: Shortage): void {
    this.otherHistory = isOtherHistory ? otherHistory(position) : undefined;
    if (!isIncomplete) this.#incompleteSince = 0;
    const isGap = isIncomplete ? this.#isOverdue() : gapEnds.length > 0;
    const known = isIncomplete ? [] : gapEnds.filter((to) => to !== null);
    this.gap = isGap ? { from: position.tick, to: known.length > 0 ? Math.min(...known) : null } : null;
    if (this.#refusedAt === nextPosition) this.#refusedAt = position.tick;
    if (this.#refusedAt === position.tick) this.gap ??= { from: position.tick, to: null };
  }

  #isOverdue(): boolean {
    if (this.#incompleteSince === 0) this.#incompleteSince = performance.now();
    return performance.now() - this.#incompleteSince > this.#chunkTimeoutMs;
  }
}

function otherHistory(position: Position): MillraceError {
  const text = `the provider's history is not the one this subscriber followed: tick ${position.tick} is another one there`;
  return new MillraceError(codes.PROVIDER_HISTORY, text, {
    advice:
      'the provider was restored or lost its tail: find out which side is right, then register this subscriber and copy its tables again',
  });
}

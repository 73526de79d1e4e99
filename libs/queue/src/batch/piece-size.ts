// How many events to fetch in one piece, so that memory stays within a budget whatever a batch holds.

export interface PieceLimits {
  /** How much text one piece may have, characters. */
  readonly characters: number;
  /** The largest number of events in one piece. */
  readonly events: number;
}

/** Small enough that a piece is garbage before it is old: that, and not the piece, is what memory goes to. */
export const defaultLimits: PieceLimits = { characters: 1 << 20, events: 500 };

const firstEvents = 100;
const growthFactor = 5;

/** Learns from the largest event of each piece; one of a consumer lives as long as that. */
export class PieceSizer {
  readonly #limits: PieceLimits;
  #next: number;

  constructor(limits: PieceLimits = defaultLimits) {
    this.#limits = limits;
    this.#next = Math.min(firstEvents, limits.events);
  }

  /** How many to fetch next. */
  get next(): number {
    return this.#next;
  }

  /** Takes the sizes of the events of a piece that was fetched. */
  saw(sizes: Iterable<number>): void {
    let largest = 1;
    for (const size of sizes) largest = Math.max(largest, size);
    const fit = Math.floor(this.#limits.characters / largest);
    this.#next = Math.max(1, Math.min(this.#limits.events, this.#next * growthFactor, fit));
  }
}

/** Why what was read before is not what the stream holds now. */
export type ResetReason = 'made-again' | 'rolled-back';

/** One message of a stream. */
export interface Delivered {
  readonly kind: 'message';
  readonly sequence: number;
  readonly subject: string;
  /** A bucket's mark that the key was deleted. */
  readonly deleted: boolean;
  /** Messages of the subject behind this one, as the server knew at sending. */
  readonly pending: number;
  readonly data: Buffer;
  readonly signature: string | undefined;
}

export type ReadItem = Delivered | { readonly kind: 'reset'; readonly reason: ResetReason };

/** What arrived and was not taken yet, bounded in bytes by requesting no more than there is space for. */
export class ReadQueue {
  readonly #limit: number;
  readonly #onSpace: () => void;
  #items: ReadItem[] = [];
  #head = 0;
  #bytes = 0;
  #ended = false;
  #waiting: ((result: IteratorResult<ReadItem>) => void) | undefined;

  constructor(limit: number, onSpace: () => void) {
    this.#limit = limit;
    this.#onSpace = onSpace;
  }

  /** Bytes that may be requested now; 0 while half or more is full, so that small requests do not add up. */
  space(): number {
    const free = this.#limit - this.#bytes;
    return free * 2 < this.#limit ? 0 : free;
  }

  push(item: ReadItem): void {
    if (this.#ended) return;
    if (this.#waiting !== undefined) {
      const give = this.#waiting;
      this.#waiting = undefined;
      give({ done: false, value: item });
      return;
    }
    this.#items.push(item);
    if (item.kind === 'message') this.#bytes += item.data.length;
  }

  take(): Promise<IteratorResult<ReadItem>> {
    const item = this.#items[this.#head];
    if (item === undefined) {
      if (this.#ended) return Promise.resolve({ done: true, value: undefined });
      return new Promise((resolve) => {
        this.#waiting = resolve;
      });
    }
    this.#head += 1;
    if (this.#head === this.#items.length || this.#head === 1024) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    const hadNone = this.space() === 0;
    if (item.kind === 'message') this.#bytes -= item.data.length;
    if (hadNone && this.space() > 0) this.#onSpace();
    return Promise.resolve({ done: false, value: item });
  }

  end(): void {
    this.#ended = true;
    this.#items = [];
    this.#head = 0;
    this.#bytes = 0;
    this.#waiting?.({ done: true, value: undefined });
    this.#waiting = undefined;
  }
}

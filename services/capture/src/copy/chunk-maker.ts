// The bytes of a table cut into messages.

/** Bytes for one message. */
export interface Chunk {
  readonly pieces: readonly Buffer[];
  readonly bytes: number;
  /** False: the next chunk of the same reader continues in the middle of a row. */
  readonly endsRow: boolean;
}

/** Gathers the bytes of one reader into chunks, which end with a whole row unless a row does not fit into one. */
export class ChunkMaker {
  readonly #capacity: number;
  #pieces: Buffer[] = [];
  #gathered = 0;

  /** `capacity`: bytes of a chunk. */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Takes bytes; gives the chunks that are full, in order. */
  *add(piece: Buffer): Generator<Chunk> {
    let rest = piece;
    while (this.#gathered + rest.length > this.#capacity) {
      const free = this.#capacity - this.#gathered;
      this.#gather(rest.subarray(0, free));
      rest = rest.subarray(free);
      yield this.#full();
    }
    this.#gather(rest);
  }

  /** What is left; no bytes when nothing is. */
  end(): Chunk {
    return this.#take(this.#pieces.splice(0));
  }

  #gather(piece: Buffer): void {
    if (piece.length === 0) return;
    this.#pieces.push(piece);
    this.#gathered += piece.length;
  }

  /** All that is gathered up to the last end of a row; the beginning of the next row stays. */
  #full(): Chunk {
    const pieces = this.#pieces.splice(0);
    let at = pieces.length - 1;
    let end = -1;
    while (at >= 0 && end < 0) {
      end = pieces[at]?.lastIndexOf(10) ?? -1;
      if (end < 0) at -= 1;
    }
    if (end < 0) return this.#take(pieces);
    const last = pieces[at] ?? Buffer.alloc(0);
    const chunk = this.#take([...pieces.slice(0, at), last.subarray(0, end + 1)]);
    for (const piece of [last.subarray(end + 1), ...pieces.slice(at + 1)]) this.#gather(piece);
    return chunk;
  }

  #take(pieces: Buffer[]): Chunk {
    this.#gathered = 0;
    const bytes = pieces.reduce((sum, piece) => sum + piece.length, 0);
    return { pieces, bytes, endsRow: pieces.at(-1)?.at(-1) === 10 };
  }
}

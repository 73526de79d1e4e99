interface Result<T> {
  /** When it was begun, ms, monotonic. */
  readonly at: number;
  readonly value: Promise<T>;
}

/** One result for everybody who wants it, made again when the last one is too old. A failed one is shared like any other. */
export class SharedResult<T> {
  readonly #make: () => Promise<T>;
  #last: Result<T> | undefined;

  constructor(make: () => Promise<T>) {
    this.#make = make;
  }

  /** A result that was begun at most `maxAgeMs` ago. */
  get(maxAgeMs: number): Result<T> {
    const now = performance.now();
    if (this.#last === undefined || now - this.#last.at > maxAgeMs) this.#last = { at: now, value: this.#make() };
    return this.#last;
  }
}

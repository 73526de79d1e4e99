interface Result<T> {
  /** When it was begun, ms, monotonic. */
  readonly at: number;
  readonly value: Promise<T>;
}

/**
 * One result for everybody who wants it, made again when the last one is too old, and never twice concurrently: who finds one on its
 * way that is too old gets the next one. A failed one is shared like any other.
 */
export class SharedResult<T> {
  readonly #make: () => Promise<T>;
  #last: Result<T> | undefined;
  #isOnItsWay = false;
  /** The one after that. */
  #next: Promise<Result<T>> | undefined;

  constructor(make: () => Promise<T>) {
    this.#make = make;
  }

  /** A result that was begun at most `maxAgeMs` ago. */
  async get(maxAgeMs: number): Promise<Result<T>> {
    const last = this.#last;
    if (last !== undefined && performance.now() - last.at <= maxAgeMs) return last;
    if (last === undefined || !this.#isOnItsWay) return this.#begin();
    const begin = () => {
      this.#next = undefined;
      return this.#begin();
    };
    this.#next ??= last.value.then(begin, begin);
    return this.#next;
  }

  #begin(): Result<T> {
    const value = this.#make();
    const end = () => {
      this.#isOnItsWay = false;
    };
    this.#isOnItsWay = true;
    value.then(end, end);
    this.#last = { at: performance.now(), value };
    return this.#last;
  }
}

/** Announces something to whoever listens. A listener must not throw. */
export class Signal<T = void> {
  readonly #listeners = new Set<(value: T) => void>();

  /** Returns how to stop listening. */
  on(listener: (value: T) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  emit(value: T): void {
    for (const listener of this.#listeners) listener(value);
  }
}

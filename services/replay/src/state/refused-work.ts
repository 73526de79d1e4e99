import { type MillraceError, toMillraceError, verdictOf } from '@millrace/errors';

/** How often work that was refused is tried again. */
export interface RefusedWorkOptions {
  /** The first wait, ms; it doubles with every refusal. */
  readonly minMs: number;
  readonly maxMs: number;
  /** A text that changes when somebody may have repaired what was in the way. */
  readonly signs: () => Promise<string>;
}

/**
 * Work that the subscriber refuses until a person repairs something. Every attempt puts rows into the log of the subscriber's
 * server, so the same work is tried ever more rarely, and promptly when signs of a repair appear.
 */
export class RefusedWork {
  readonly #options: RefusedWorkOptions;
  #key = '';
  #error: MillraceError | undefined;
  #waitMs = 0;
  #notBefore = 0;
  #signs: string | undefined;

  constructor(options: RefusedWorkOptions) {
    this.#options = options;
  }

  /** The last error while `key`, which names the work and what is wanted, is not to be tried again. */
  async pausedBy(key: string): Promise<MillraceError | undefined> {
    if (this.#error === undefined || key !== this.#key) return undefined;
    const isDue = performance.now() >= this.#notBefore;
    const signs = await this.#options.signs();
    // What is read at the first pause counts the writes of the attempt itself.
    const isSame = this.#signs === undefined || signs === this.#signs;
    this.#signs = signs;
    return isSame && !isDue ? this.#error : undefined;
  }

  /** An attempt failed. What passes without a person is not waited for here. */
  failed(key: string, error: unknown): void {
    if (verdictOf(error).action !== 'stop') {
      this.succeeded();
      return;
    }
    const { minMs, maxMs } = this.#options;
    const isAgain = this.#error !== undefined && key === this.#key;
    this.#waitMs = isAgain ? Math.min(maxMs, this.#waitMs * 2) : minMs;
    this.#notBefore = performance.now() + this.#waitMs;
    this.#key = key;
    this.#error = toMillraceError(error);
    this.#signs = undefined;
  }

  succeeded(): void {
    this.#error = undefined;
  }
}

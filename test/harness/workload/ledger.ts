/** What a client knows of a transaction: `unknown` when the session died while it was being committed. */
export type Outcome = 'ok' | 'failed' | 'unknown';

/** All that the clients know, by transaction number. Taking `unknown` for either of the others would hide a loss. */
export class Ledger {
  readonly #outcomes = new Map<number, Outcome>();
  /** Statements that failed for a reason that is not a fault of ours on purpose. */
  readonly surprises: string[] = [];

  record(txno: number, outcome: Outcome): void {
    this.#outcomes.set(txno, outcome);
  }

  surprise(what: string): void {
    if (this.surprises.length < 50) this.surprises.push(what);
  }

  /** Numbers with one outcome, in ascending order. */
  all(outcome: Outcome): number[] {
    return [...this.#outcomes]
      .filter(([, known]) => known === outcome)
      .map(([txno]) => txno)
      .sort((a, b) => a - b);
  }

  get counts(): Record<Outcome, number> {
    const counts = { ok: 0, failed: 0, unknown: 0 };
    for (const outcome of this.#outcomes.values()) counts[outcome] += 1;
    return counts;
  }
}

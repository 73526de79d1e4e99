// What is tried again, and in which mode: an attempt that fails in a way that another mode may avoid is made again in it.
import { type TableName, tableKey } from '@millrace/model';
import { replicaRoleRequired } from './errors/impossible-change.ts';
import { RetryUnsplit, RetryWithRowReplacement } from './errors/retry-signals.ts';
import { RowConflict } from './errors/row-conflict.ts';

/** What to do about rows that are not as expected: stop, or correct and count them. */
export type ConflictPolicy = 'stop' | 'upsert';

/** How the changes of a batch are applied in one attempt. */
export interface ApplyMode {
  /** Tables whose changed rows are deleted and inserted again. */
  readonly rowReplacement: ReadonlySet<string>;
  /** Tables of which nothing is applied before all of the batch is here. */
  readonly unsplit: ReadonlySet<string>;
  /** Every change goes through staging, so that tables can be applied in an order. */
  readonly stageAll: boolean;
  /** From this number of staged row changes on they are applied while the rest of a batch arrives. */
  readonly minPartLines: number;
  readonly conflicts: ConflictPolicy;
}

export interface RetryOptions {
  /** The session may delete and insert rows without firing the actions of foreign keys. */
  readonly replica: boolean;
  readonly conflicts: ConflictPolicy;
  readonly minPartLines: number;
}

export class RetryLadder {
  readonly #options: RetryOptions;
  /** Tables of which a part could not be applied before the rest: it is not tried again. */
  readonly #unsplit = new Set<string>();

  constructor(options: RetryOptions) {
    this.#options = options;
  }

  /** Attempts the work, with more and more tables in another mode, until it succeeds or no mode is left. */
  async run<T>(attempt: (mode: ApplyMode) => Promise<T>): Promise<T> {
    const { replica, conflicts, minPartLines } = this.#options;
    const rowReplacement = new Set<string>();
    while (true) {
      try {
        return await attempt({ rowReplacement, unsplit: this.#unsplit, stageAll: !replica, minPartLines, conflicts });
      } catch (error) {
        this.#climb(error, rowReplacement);
      }
    }
  }

  /** Puts the table that failed into the mode that may help it. Throws what stands in the way when none does. */
  #climb(error: unknown, rowReplacement: Set<string>): void {
    if (error instanceof RetryUnsplit && !this.#unsplit.has(tableKey(error.table))) {
      this.#unsplit.add(tableKey(error.table));
      return;
    }
    const table = this.#tableToReplaceIn(error);
    if (table === undefined) throw error;
    if (rowReplacement.has(tableKey(table)))
      throw error instanceof RetryWithRowReplacement ? (error.reason ?? error) : error;
    rowReplacement.add(tableKey(table));
  }

  #tableToReplaceIn(error: unknown): TableName | undefined {
    const { replica, conflicts } = this.#options;
    if (error instanceof RetryWithRowReplacement) {
      // Deleting a row to insert it again would fire the actions of enforced foreign keys.
      if (!replica) throw error.reason ?? replicaRoleRequired(error.table);
      return error.table;
    }
    return replica && conflicts === 'upsert' && error instanceof RowConflict ? error.table : undefined;
  }
}

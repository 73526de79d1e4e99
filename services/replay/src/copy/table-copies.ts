// Starts the copies that are due, a few at a time, and stops those that nobody wants any more.
import type { Bus } from '@millrace/bus';
import { type TableName, tableKey } from '@millrace/model';
import {
  type ApplySession,
  dropStrayCopyStages,
  noteTable,
  orderByReferences,
  type SubscribedTable,
} from '@millrace/subscriber';
import type { Logger } from '@millrace/telemetry';
import type { Followed } from '../apply/plan/followed.ts';
import type { CopyProgress } from '../report/make-report.ts';
import type { CopyMessagesOptions } from './copy-messages.ts';
import type { CopyOptions } from './load-opener.ts';
import { TableSync } from './table-sync.ts';

export interface TableCopiesOptions extends Pick<CopyMessagesOptions, 'keyring' | 'onRefused'> {
  readonly url: string;
  readonly queue: string;
  /** The applying session, for statements between batches. */
  readonly session: ApplySession;
  readonly log: Logger;
  readonly copies: CopyOptions;
  /** With it all copies stop. */
  readonly signal: AbortSignal;
  readonly onProgress: () => void;
  /** Called when a copy came in or ended: the states in the database are not those of the last reading. */
  readonly onEnded: () => void;
}

/** Where copies come from. */
export interface CopySource {
  readonly bus: Bus;
  readonly provider: string;
}

const maxConcurrentCopies = 3;

export class TableCopies {
  readonly #options: TableCopiesOptions;
  readonly #syncs = new Map<string, TableSync>();
  #bus: Bus | undefined;
  /** No stage is left of a copy that nobody waits for. */
  #isTidy = false;

  constructor(options: TableCopiesOptions) {
    this.#options = options;
  }

  progressOf(table: TableName): CopyProgress | undefined {
    return this.#syncs.get(tableKey(table))?.progress;
  }

  /** Brings the copies under way in line with the tables that wait for one. */
  async update(followed: Followed, source: CopySource): Promise<void> {
    const { session, queue } = this.#options;
    if (source.bus !== this.#bus) await this.stop();
    this.#bus = source.bus;
    await this.#stopUnwanted(followed);
    if (!this.#isTidy) await dropStrayCopyStages(session.client, queue);
    this.#isTidy = true;
    if (this.#isFull()) return;
    for (const table of await this.#nextUp(followed)) {
      if (this.#isFull()) return;
      if (table.copyId !== null) this.#start(table, table.copyId, source);
    }
  }

  /**
   * Records in the database why a copy does not progress, for those who reach only that. True when there was something to
   * record.
   */
  async recordErrors(followed: Followed): Promise<boolean> {
    const { session, queue } = this.#options;
    let isNew = false;
    for (const [key, sync] of this.#syncs) {
      const table = followed.tables.get(key);
      const { error } = sync.progress;
      if (table === undefined || table.copyId !== sync.copyId || table.error === error) continue;
      await noteTable(session.client, queue, table, { error });
      isNew = true;
    }
    return isNew;
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#syncs.values()].map((sync) => sync.stop()));
    this.#syncs.clear();
  }

  /** Together: what one of them still waits for must not keep the loop from its batches for each of the others. */
  async #stopUnwanted({ tables }: Followed): Promise<void> {
    const unwanted = [...this.#syncs].filter(([key, { copyId }]) => {
      const table = tables.get(key);
      return table === undefined || !isAwaiting(table) || table.copyId !== copyId;
    });
    if (unwanted.length === 0) return;
    for (const [key] of unwanted) this.#syncs.delete(key);
    await Promise.all(unwanted.map(([, sync]) => sync.stop()));
    this.#isTidy = false;
  }

  /** A copy with an error takes no place: it may wait for the rows of a table that is still to be copied. */
  #isFull(): boolean {
    const progressing = [...this.#syncs.values()].filter(({ progress }) => progress.error === null);
    return progressing.length >= maxConcurrentCopies;
  }

  /** Tables whose copy may begin; parents first where foreign keys are enforced. */
  async #nextUp({ tables }: Followed): Promise<SubscribedTable[]> {
    const { client, replica } = this.#options.session;
    const next = [...tables.entries()].flatMap(([key, table]) =>
      this.#syncs.has(key) || !isAwaiting(table) || table.copyId === null ? [] : [table],
    );
    return replica || next.length < 2 ? next : orderByReferences(client, next);
  }

  #start({ schema, name, state }: SubscribedTable, copyId: number, source: CopySource): void {
    const table = { schema, name };
    const key = tableKey(table);
    const sync = new TableSync({ ...this.#options, ...source, table, copyId, isNew: state === 'registered' });
    this.#syncs.set(key, sync);
    void sync.done.then(() => {
      if (this.#syncs.get(key) === sync) this.#syncs.delete(key);
      this.#options.onEnded();
    });
  }
}

function isAwaiting(table: SubscribedTable): boolean {
  return table.state === 'registered' || table.state === 'copying';
}

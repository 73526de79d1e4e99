// Puts any number of row changes into tables within the open transaction: by COPY, directly or through a stage.
import { type TableName, tableKey } from '@millrace/model';
import type { ApplySession } from '@millrace/subscriber';
import { RetryUnsplit } from '../errors/retry-signals.ts';
import { tableError } from '../errors/table-error.ts';
import type { Piece } from '../plan/piece.ts';
import type { ApplyMode } from '../retry.ts';
import { keepAsRead } from '../target/keep-as-read.ts';
import type { Targets } from '../target/targets.ts';
import { fitsStage, PieceWriter } from './piece-writer.ts';
import { StageApplier, type StagedRows } from './stage-applier.ts';

/** Parts grow with what is applied already, so that their number stays small. */
const partOfApplied = 0.5;

interface TableState {
  readonly table: TableName;
  staged: StagedRows | undefined;
  /** Row changes that were applied in parts. */
  appliedLines: number;
  /** The table stays as it was read until the end of the transaction. */
  isKept: boolean;
  /** More than updates is staged: that waits for the end. */
  isMixed: boolean;
}

export class BulkWriter {
  readonly #session: ApplySession;
  readonly #targets: Targets;
  readonly #mode: ApplyMode;
  readonly #writer: PieceWriter;
  readonly #applier: StageApplier;
  readonly #tables = new Map<string, TableState>();

  constructor(session: ApplySession, targets: Targets, mode: ApplyMode) {
    this.#session = session;
    this.#targets = targets;
    this.#mode = mode;
    this.#writer = new PieceWriter(session, targets, mode);
    this.#applier = new StageApplier(session, mode);
  }

  /** Rows that were not as expected and were corrected (policy upsert). */
  get conflicts(): number {
    return this.#applier.conflicts;
  }

  /** Takes a piece of a table's changes; pieces of one table come in order. */
  async write(table: TableName, piece: Piece): Promise<void> {
    const state = this.#stateOf(table);
    try {
      await this.#writer.checkColumns(table, piece);
      if (!state.isKept) await this.#keep(table);
      state.isKept = true;
      // What follows a staged change is staged too, or it would be applied before it.
      if (state.staged === undefined && (await this.#writer.writeDirectly(table, piece))) return;
      if (state.staged !== undefined && !fitsStage(state.staged, piece)) await this.flush([table]);
      state.staged = await this.#writer.stage(table, state.staged, piece);
    } catch (error) {
      throw this.#writer.errorOf(error, table);
    }
  }

  /** Frees the session for statements. */
  endCopy(): Promise<void> {
    return this.#writer.end();
  }

  /** Applies what is staged: of the given tables, for which more may come in this transaction, or of all at its end. */
  async flush(tables?: readonly TableName[]): Promise<void> {
    await this.endCopy();
    const wanted = tables === undefined ? undefined : new Set(tables.map(tableKey));
    for (const [key, state] of this.#tables) {
      if (state.staged === undefined || wanted?.has(key) === false) continue;
      try {
        await this.#applier.apply(state.staged, { deletes: true, writes: true });
      } catch (error) {
        throw state.appliedLines > 0 ? new RetryUnsplit(state.table) : error;
      }
      if (wanted !== undefined) await this.#applier.emptyStage(state.staged);
      state.staged = undefined;
    }
  }

  /** Applies everything in a session that enforces foreign keys: rows are written parents first, deleted children first. */
  async flushInOrder(parentsFirst: readonly TableName[]): Promise<void> {
    await this.endCopy();
    const states = parentsFirst.flatMap((table) => this.#tables.get(tableKey(table)) ?? []);
    const staged = states.flatMap((state) => state.staged ?? []);
    for (const rows of staged) await this.#applier.apply(rows, { deletes: false, writes: true });
    for (const rows of staged.toReversed()) await this.#applier.apply(rows, { deletes: true, writes: false });
    for (const rows of staged) await this.#applier.emptyStage(rows);
    for (const state of states) state.staged = undefined;
  }

  /** True when `applyParts` has something to do. */
  get isPartDue(): boolean {
    return [...this.#tables].some(([key, state]) => this.#isPartDue(key, state));
  }

  /**
   * Applies updates that are staged, of tables that have many, while more of the batch arrives. To be called where no record
   * is cut. The net change of all row changes stays the same: what is applied is what the key's next change finds. Only
   * constraints and triggers here see the values in between; if one of them refuses, it is RetryUnsplit.
   */
  async applyParts(): Promise<void> {
    for (const [key, state] of this.#tables) {
      const { table, staged } = state;
      if (staged === undefined || !this.#isPartDue(key, state)) continue;
      await this.#writer.endBetweenRecords();
      try {
        const counts = await this.#applier.survey(staged);
        if (counts.update < counts.keys) {
          state.isMixed = true;
          await this.#applier.emptyNet(staged);
          continue;
        }
        state.appliedLines += counts.lines;
        await this.#applier.write(staged, counts);
      } catch (error) {
        throw state.appliedLines > 0 ? new RetryUnsplit(table) : tableError(error, table);
      }
      await this.#applier.emptyStage(staged);
      state.staged = undefined;
    }
  }

  /** Tables that have something staged. */
  stagedTables(): TableName[] {
    return [...this.#tables.values()].flatMap(({ table, staged }) => (staged === undefined ? [] : [table]));
  }

  /** Makes the session ready for a rollback. Never throws. */
  abort(): Promise<void> {
    return this.#writer.abort();
  }

  #isPartDue(key: string, { staged, appliedLines, isMixed }: TableState): boolean {
    const { minPartLines, stageAll, rowReplacement, unsplit } = this.#mode;
    if (staged === undefined || isMixed) return false;
    if (staged.lines < Math.max(minPartLines, appliedLines * partOfApplied)) return false;
    if (stageAll || rowReplacement.has(key) || unsplit.has(key)) return false;
    return staged.prepared.layout.keyIndex !== undefined;
  }

  async #keep(table: TableName): Promise<void> {
    await this.endCopy();
    await keepAsRead(this.#session.client, await this.#targets.tables.get(table));
  }

  #stateOf(table: TableName): TableState {
    const key = tableKey(table);
    let state = this.#tables.get(key);
    if (state === undefined) {
      state = { table, staged: undefined, appliedLines: 0, isKept: false, isMixed: false };
      this.#tables.set(key, state);
    }
    return state;
  }
}

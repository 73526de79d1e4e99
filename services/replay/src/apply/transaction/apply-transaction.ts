// The steps of one transaction that applies batches: the position moves first, rows follow, sequences come last.
import type { TableName } from '@millrace/model';
import { statementError } from '@millrace/postgres';
import {
  type ApplySession,
  beginSql,
  commit,
  type Move,
  movedGeneration,
  movePositionSql,
  movePositionValues,
  orderByReferences,
  rollBack,
  setSequenceQuery,
  storePending,
} from '@millrace/subscriber';
import type { SequenceValue } from '@millrace/wire';
import { DesiredStateChanged } from '../errors/retry-signals.ts';
import { commitError, sequenceError, tableError } from '../errors/table-error.ts';
import type { FewRows } from '../few/prepare-few.ts';
import { sendFew } from '../few/send-few.ts';
import type { Piece } from '../plan/piece.ts';
import type { ApplyMode } from '../retry.ts';
import { Pipeline } from '../session/pipeline.ts';
import { BulkWriter } from '../staged/bulk-writer.ts';
import { keepAsRead } from '../target/keep-as-read.ts';
import type { Targets } from '../target/targets.ts';
import { emptyTables } from './truncate.ts';

/** What is applied, and where. */
export interface ApplyContext {
  readonly session: ApplySession;
  readonly queue: string;
  readonly targets: Targets;
}

export class ApplyTransaction {
  readonly #context: ApplyContext;
  readonly #pipeline: Pipeline;
  readonly #writer: BulkWriter;
  /** Consecutive truncates: they wait for the next step that is none, and become one statement. */
  #truncates: TableName[] = [];
  #hasBegun = false;

  constructor(context: ApplyContext, mode: ApplyMode) {
    const { session, targets } = context;
    this.#context = context;
    this.#pipeline = new Pipeline(session.client);
    this.#writer = new BulkWriter(session, targets, mode);
  }

  /** Rows that were not as expected and were corrected. */
  get conflicts(): number {
    return this.#writer.conflicts;
  }

  begin(): void {
    this.#hasBegun = true;
    this.#pipeline.send({ text: beginSql });
  }

  /** The first step. Its answer also shows whether `generation` is still that of the desired state. */
  movePosition(move: Move, generation: number): void {
    this.#pipeline.send(
      { name: 'millrace_move', text: movePositionSql, values: movePositionValues(move) },
      {
        judge: (result) => {
          if (movedGeneration(result) !== generation) throw new DesiredStateChanged();
        },
        wrap: (error) => statementError(error, 'moving the position'),
      },
    );
  }

  async sendFew(rows: FewRows): Promise<void> {
    // An open COPY has the session for itself.
    await this.#writer.endCopy();
    const { session } = this.#context;
    const { table } = rows.prepared.layout;
    if (table.owner.recheck) {
      await this.settle();
      await keepAsRead(session.client, table);
    }
    sendFew(rows, this.#pipeline);
  }

  /** Applies a piece, whatever its form. Call `settle` before the first one after other steps. */
  async apply(table: TableName, piece: Piece): Promise<void> {
    if (piece.form === 'truncate') {
      this.#truncates.push(table);
      return;
    }
    await this.#endTruncates();
    await this.#writer.write(table, piece);
  }

  async truncate(tables: readonly TableName[]): Promise<void> {
    this.#truncates.push(...tables);
    await this.#endTruncates();
  }

  /** Stores a piece until its table's copy is in. */
  async keep(table: TableName, piece: Piece, tick: number): Promise<void> {
    await this.#writer.endCopy();
    const { form, columns, key, source = null, cont, lines, body } = piece;
    const { session, queue } = this.#context;
    await storePending(session.client, queue, table, { tick, form, columns, key, source, cont, n: lines, lines: body });
  }

  /** True when `applyParts` has something to do. */
  get isPartDue(): boolean {
    return this.#writer.isPartDue;
  }

  /** Applies what has arrived of tables with many updates. To be called where no record is cut. */
  applyParts(): Promise<void> {
    return this.#writer.applyParts();
  }

  /** Waits for the answers of all statements that were sent. */
  settle(): Promise<void> {
    return this.#pipeline.settle();
  }

  /** The last step: what is staged goes into its tables, and sequences get their values. */
  async finish(sequences: readonly SequenceValue[]): Promise<void> {
    await this.#endTruncates();
    if (this.#context.session.replica) await this.#writer.flush();
    else await this.#writer.flushInOrder(await this.#parentsFirst());
    for (const value of sequences)
      this.#pipeline.send(setSequenceQuery(value), { wrap: (error) => sequenceError(error, value) });
    await this.#pipeline.settle();
  }

  async commit(): Promise<void> {
    await commit(this.#context.session.client).catch((error: unknown) => {
      throw commitError(error);
    });
    this.#context.targets.committed();
  }

  /** After an error anywhere since the transaction was made. */
  async rollBack(reason: unknown): Promise<void> {
    const { session, targets } = this.#context;
    await this.#writer.abort();
    await this.#pipeline.drain();
    if (this.#hasBegun) await rollBack(session.client);
    await targets.rolledBack(!(reason instanceof DesiredStateChanged));
  }

  async #parentsFirst(): Promise<TableName[]> {
    await this.#writer.endCopy();
    return orderByReferences(this.#context.session.client, this.#writer.stagedTables());
  }

  async #endTruncates(): Promise<void> {
    const tables = this.#truncates;
    const [first] = tables;
    if (first === undefined) return;
    this.#truncates = [];
    await this.#writer.flush(tables);
    const { session, targets } = this.#context;
    await emptyTables(session, targets.tables, tables).catch((error: unknown) => {
      throw tableError(error, first);
    });
  }
}

// Applies batches to rows. Each call is one transaction, attempted again in other modes where that may help.
//
// plan: the steps of batches, the layout of their sections on tables. target: what is known of those tables.
// few, staged: the two ways of rows into a table. net-change: which of several changes of a row counts, for both.
// transaction: the steps of one transaction. session: how statements and bytes are sent. errors: what can stand in the way.
import { defineFailpoints, failpoint } from '@millrace/lifecycle';
import type { TableName } from '@millrace/model';
import type { ApplySession, Move } from '@millrace/subscriber';
import type { BatchHeader, Message, SequenceValue } from '@millrace/wire';
import { defaultMaxFewRows, prepareFewSteps } from './few/prepare-few.ts';
import { type Followed, fateOf } from './plan/followed.ts';
import { endsWithRecord, type Piece, piecesOf } from './plan/piece.ts';
import { planBatches, planSequences, type Step, type WholeBatch } from './plan/plan-batch.ts';
import { type ApplyMode, type ConflictPolicy, RetryLadder } from './retry.ts';
import { Targets } from './target/targets.ts';
import { type ApplyContext, ApplyTransaction } from './transaction/apply-transaction.ts';

export interface ApplierOptions {
  readonly session: ApplySession;
  readonly queue: string;
  readonly conflicts: ConflictPolicy;
  /** Up to this number of rows of a table go without staging. For tests; default as measured. */
  readonly maxFewRows?: number | undefined;
  /** From this number on, staged updates of a table are applied before the rest of a large batch is there. Default as measured. */
  readonly minPartLines?: number | undefined;
}

/** A batch too large for memory: its chunks can be read again from the first one. */
export interface StreamedBatch {
  readonly first: BatchHeader;
  /** The chunks in order, checked to be the whole batch; throws when the rest does not come. */
  open(): AsyncIterable<Message<BatchHeader>>;
  /** What `open` has given was rolled back and must be given again. */
  putBack(): void;
}

/** What is done in the transaction that applies a table's stored changes, before and after them. */
export interface PieceHooks {
  before(): Promise<void>;
  after(): Promise<void>;
}

export interface Applied {
  readonly lines: number;
  /** Rows that were not as expected and were corrected. */
  readonly conflicts: number;
}

const defaultMinPartLines = 10_000;

const [BEFORE_BEGIN, MID_BATCH, BEFORE_COMMIT] = defineFailpoints(
  'replay.before-begin',
  'replay.mid-batch',
  'replay.before-commit',
);

/** One call at a time. */
export class Applier {
  readonly #context: ApplyContext;
  readonly #retries: RetryLadder;
  readonly #maxFewRows: number;

  constructor(options: ApplierOptions) {
    const { session, queue, conflicts } = options;
    const { maxFewRows = defaultMaxFewRows, minPartLines = defaultMinPartLines } = options;
    this.#context = { session, queue, targets: new Targets(session.client, queue) };
    this.#retries = new RetryLadder({ replica: session.replica, conflicts, minPartLines });
    this.#maxFewRows = maxFewRows;
  }

  /**
   * Applies waiting batches in one transaction. `move` goes from the first one's prev to the last one's tick.
   * Throws DesiredStateChanged when `followed` is out of date, POSITION, or what stands in the way; then nothing was changed.
   */
  async applyWhole(batches: readonly WholeBatch[], followed: Followed, move: Move): Promise<Applied> {
    const { steps, sequences, lines } = planBatches(batches, followed);
    const { targets } = this.#context;
    return this.#retries.run((mode) =>
      this.#inTransaction(mode, {
        prepare: () => prepareFewSteps(steps, targets, { mode, maxRows: this.#maxFewRows }),
        apply: async (tx, few) => {
          tx.movePosition(move, followed.generation);
          for (const step of steps) {
            const rows = step.kind === 'rows' ? few.get(step) : undefined;
            if (rows === undefined) await applyStep(step, tx);
            else await tx.sendFew(rows);
          }
          await tx.settle();
          await failpoint(MID_BATCH);
          await tx.finish(sequences);
          return lines;
        },
      }),
    );
  }

  /** Applies one batch while it arrives. Throws like `applyWhole`. */
  async applyStream(batch: StreamedBatch, followed: Followed, move: Move): Promise<Applied> {
    const attempt = (mode: ApplyMode) =>
      this.#inTransaction(mode, {
        apply: async (tx) => {
          tx.movePosition(move, followed.generation);
          await tx.settle();
          let lines = 0;
          const sequences: SequenceValue[] = [];
          for await (const chunk of batch.open()) {
            await applyChunk(chunk, followed, tx);
            if (!chunk.header.last && tx.isPartDue && endsWithRecord(chunk)) await tx.applyParts();
            lines += chunk.header.lines;
            sequences.push(...planSequences([chunk], followed));
          }
          await tx.finish(sequences);
          return lines;
        },
      });
    return this.#retries.run((mode) =>
      attempt(mode).catch((error: unknown) => {
        batch.putBack();
        throw error;
      }),
    );
  }

  /** Applies stored changes of one table whose copy is in. Throws what stands in the way; then nothing was changed. */
  async applyPieces(
    table: TableName,
    pieces: () => AsyncIterable<{ piece: Piece }>,
    hooks: PieceHooks,
  ): Promise<Applied> {
    return this.#retries.run((mode) =>
      this.#inTransaction(mode, {
        apply: async (tx) => {
          await tx.settle();
          await hooks.before();
          let lines = 0;
          for await (const { piece } of pieces()) {
            lines += piece.lines;
            await tx.apply(table, piece);
          }
          await tx.finish([]);
          await hooks.after();
          return lines;
        },
      }),
    );
  }

  async #inTransaction<T>(mode: ApplyMode, { prepare, apply }: TransactionWork<T>): Promise<Applied> {
    const tx = new ApplyTransaction(this.#context, mode);
    await failpoint(BEFORE_BEGIN);
    try {
      await this.#context.targets.refresh();
      const prepared = (await prepare?.()) as T;
      tx.begin();
      const lines = await apply(tx, prepared);
      await failpoint(BEFORE_COMMIT);
      await tx.commit();
      return { lines, conflicts: tx.conflicts };
    } catch (error) {
      await tx.rollBack(error);
      throw error;
    }
  }
}

interface TransactionWork<T> {
  /** Runs before BEGIN: what it creates stays when the transaction is rolled back. */
  prepare?(): Promise<T>;
  /** Resolves to the number of row changes. */
  apply(tx: ApplyTransaction, prepared: T): Promise<number>;
}

async function applyStep(step: Step, tx: ApplyTransaction): Promise<void> {
  await tx.settle();
  if (step.kind === 'keep') await tx.keep(step.table, step.piece, step.tick);
  else if (step.kind === 'truncate') await tx.truncate(step.tables);
  else for (const piece of step.pieces) await tx.apply(step.table, piece);
}

async function applyChunk(chunk: Message<BatchHeader>, followed: Followed, tx: ApplyTransaction): Promise<void> {
  const { tick } = chunk.header.tick;
  for (const { table, piece } of piecesOf(chunk)) {
    const fate = fateOf(followed, table, tick);
    if (fate === 'apply') await tx.apply(table, piece);
    else if (fate === 'keep') await tx.keep(table, piece, tick);
  }
  await failpoint(MID_BATCH);
}

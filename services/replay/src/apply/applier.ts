import { defineFailpoints, failpoint } from '@millrace/lifecycle';
import { type TableName, tableKey } from '@millrace/model';
import {
  type ApplySession,
  beginSql,
  commit,
  keepPending,
  type Move,
  movedGeneration,
  movePositionSql,
  movePositionValues,
  orderByReferences,
  rollBack,
  setSequenceQuery,
  type TargetTable,
} from '@millrace/subscriber';
import type { BatchHeader, Message, SequenceValue } from '@millrace/wire';
import {
  NeedsCare,
  NeedsWhole,
  needsReplica,
  RowConflict,
  sequenceError,
  tableError,
  WishesChanged,
} from './errors/table-error.ts';
import { type FewRows, prepareFew, sendFew } from './few/few-rows.ts';
import {
  type Followed,
  fateOf,
  type Piece,
  piecesOf,
  planBatches,
  planSequences,
  type RowsStep,
  type Step,
  type WholeBatch,
} from './plan/plan-batch.ts';
import { type ApplyMode, BulkWriter } from './staged/bulk-writer.ts';
import { deleteAllSql, truncateSql } from './statements/row-statements.ts';
import { Targets } from './target/targets.ts';
import { Pipeline } from './transaction/pipeline.ts';

const [BEFORE_BEGIN, MID_BATCH, BEFORE_COMMIT] = defineFailpoints(
  'replay.before-begin',
  'replay.mid-batch',
  'replay.before-commit',
);

/** A batch too large for memory: its chunks can be had again from the first one. */
export interface StreamedBatch {
  readonly first: BatchHeader;
  /** The chunks in order, checked to be the whole batch; throws when the rest does not come. */
  open(): AsyncIterable<Message<BatchHeader>>;
  /** What `open` has given was rolled back and must be given again. */
  putBack(): void;
}

export interface Applied {
  readonly lines: number;
  /** Rows that were not as expected and were made right. */
  readonly conflicts: number;
}

export interface ApplierOptions {
  readonly session: ApplySession;
  readonly queue: string;
  /** What to do about rows that are not as expected. */
  readonly conflicts: 'stop' | 'upsert';
  /** Up to so many lines of a table go without staging. For tests; default as measured. */
  readonly fewLines?: number | undefined;
  /** So many staged updates of a table are applied before the rest of a large batch is there. Default as measured. */
  readonly partLines?: number | undefined;
}

const partLines = 10_000;

/** Applies batches, each group in one transaction with the position. One at a time. */
export class Applier {
  readonly #session: ApplySession;
  readonly #queue: string;
  readonly #targets: Targets;
  readonly #conflicts: 'stop' | 'upsert';
  readonly #fewLines: number | undefined;
  readonly #partLines: number;
  /** Tables of which a part did not go before the rest: not tried again. */
  readonly #wholeOnly = new Set<string>();

  constructor(options: ApplierOptions) {
    const { session, queue, conflicts, fewLines } = options;
    this.#fewLines = fewLines;
    this.#partLines = options.partLines ?? partLines;
    this.#session = session;
    this.#queue = queue;
    this.#conflicts = conflicts;
    this.#targets = new Targets(session.client, queue);
  }

  /**
   * Applies waiting batches in one transaction. `move` goes from the first one's prev to the last one's tick.
   * Throws WishesChanged when `followed` is out of date, POSITION, or what stands in the way; then nothing was changed.
   */
  async applyWhole(batches: readonly WholeBatch[], followed: Followed, move: Move): Promise<Applied> {
    const steps = planBatches(batches, followed);
    return this.#careful((mode) =>
      this.#inTransaction(
        mode,
        async (tx, few) => {
          this.#move(tx, followed, move);
          await this.#runSteps(steps, tx, few);
          await this.#finishSteps(
            tx,
            planSequences(
              batches.flatMap((batch) => batch.chunks),
              followed,
            ),
          );
          return batches.reduce((sum, batch) => sum + linesOf(batch.chunks), 0);
        },
        () => this.#prepareFew(steps, mode),
      ),
    );
  }

  /** Applies one batch while it arrives. Like `applyWhole`. */
  async applyStream(batch: StreamedBatch, followed: Followed, move: Move): Promise<Applied> {
    const run = (mode: ApplyMode) =>
      this.#inTransaction(mode, async (tx) => {
        this.#move(tx, followed, move);
        await tx.pipeline.settle();
        let lines = 0;
        const sequences: SequenceValue[] = [];
        for await (const chunk of batch.open()) {
          await this.#runChunk(chunk, followed, tx);
          if (!chunk.header.last && tx.writer.isPartDue && endsRecord(chunk)) await tx.writer.applyParts();
          lines += chunk.header.lines;
          sequences.push(...planSequences([chunk], followed));
        }
        await this.#truncate(tx);
        await this.#finishSteps(tx, sequences);
        return lines;
      });
    return this.#careful((mode) =>
      run(mode).catch((error: unknown) => {
        batch.putBack();
        throw error;
      }),
    );
  }

  /**
   * Applies kept pieces of one table in the transaction that the caller's `before` and `after` complete.
   * Used when a table's copy is in.
   */
  async applyPieces(
    table: TableName,
    pieces: () => AsyncIterable<{ piece: Piece }>,
    around: { before(): Promise<void>; after(): Promise<void> },
  ): Promise<Applied> {
    return this.#careful((mode) =>
      this.#inTransaction(mode, async (tx) => {
        await tx.pipeline.settle();
        await around.before();
        let lines = 0;
        for await (const { piece } of pieces()) {
          lines += piece.lines;
          await this.#takePiece(table, piece, tx);
        }
        await this.#truncate(tx);
        await this.#finishSteps(tx, []);
        await around.after();
        return lines;
      }),
    );
  }

  /** Redoes work with more and more tables in careful mode, as the server's answers demand. */
  async #careful(work: (mode: ApplyMode) => Promise<Applied>): Promise<Applied> {
    const careful = new Set<string>();
    while (true) {
      try {
        return await work({
          careful,
          stageAll: !this.#session.replica,
          wholeOnly: this.#wholeOnly,
          partLines: this.#partLines,
          conflicts: this.#conflicts,
        });
      } catch (error) {
        if (error instanceof NeedsWhole && !this.#wholeOnly.has(tableKey(error.table))) {
          this.#wholeOnly.add(tableKey(error.table));
          continue;
        }
        const table = this.#wantsCare(error);
        if (table === undefined) throw error;
        if (careful.has(tableKey(table))) throw error instanceof NeedsCare ? (error.reason ?? error) : error;
        careful.add(tableKey(table));
      }
    }
  }

  #wantsCare(error: unknown): TableName | undefined {
    // Deleting a row to insert it again would set off the actions of enforced foreign keys.
    if (!this.#session.replica) {
      if (error instanceof NeedsCare) throw error.reason ?? needsReplica(error.table);
      return undefined;
    }
    if (error instanceof NeedsCare) return error.table;
    return error instanceof RowConflict && this.#conflicts === 'upsert' ? error.table : undefined;
  }

  /** First thing in the transaction. Tells as well whether what we believe to follow is still true. */
  #move(tx: Tx, followed: Followed, move: Move): void {
    tx.pipeline.send(
      { name: 'millrace_move', text: movePositionSql, values: movePositionValues(move) },
      {
        judge: (result) => {
          if (movedGeneration(result) !== followed.generation) throw new WishesChanged();
        },
      },
    );
  }

  /** `prepare` runs before BEGIN: what it makes stays when the transaction does not. */
  async #inTransaction(
    mode: ApplyMode,
    work: (tx: Tx, few: FewSteps) => Promise<number>,
    prepare: () => Promise<FewSteps> = async () => new Map(),
  ): Promise<Applied> {
    const { client } = this.#session;
    const tx: Tx = {
      pipeline: new Pipeline(client),
      writer: new BulkWriter(this.#session, this.#targets, mode),
      truncated: [],
    };
    let begun = false;
    await failpoint(BEFORE_BEGIN);
    try {
      await this.#targets.refresh();
      const few = await prepare();
      begun = true;
      tx.pipeline.send({ text: beginSql });
      const lines = await work(tx, few);
      await failpoint(BEFORE_COMMIT);
      await this.#commit();
      return { lines, conflicts: tx.writer.conflicts };
    } catch (error) {
      await tx.writer.abort();
      await tx.pipeline.drain();
      if (begun) await rollBack(client);
      await this.#targets.rolledBack(!(error instanceof WishesChanged));
      throw error;
    }
  }

  async #commit(): Promise<void> {
    await commit(this.#session.client).catch((error: unknown) => {
      throw commitError(error);
    });
    this.#targets.committed();
  }

  async #runSteps(steps: readonly Step[], tx: Tx, few: FewSteps): Promise<void> {
    for (const step of steps) {
      const rows = step.kind === 'rows' ? few.get(step) : undefined;
      if (rows !== undefined) {
        // An open COPY has the session for itself.
        await tx.writer.endCopy();
        sendFew(rows, tx.pipeline);
        continue;
      }
      await tx.pipeline.settle();
      if (step.kind === 'rows') for (const piece of step.pieces) await tx.writer.write(step.table, piece);
      else if (step.kind === 'keep') await this.#keep(step.table, step.piece, step.tick, tx);
      else {
        tx.truncated.push(...step.tables);
        await this.#truncate(tx);
      }
    }
    await tx.pipeline.settle();
    await failpoint(MID_BATCH);
  }

  async #prepareFew(steps: readonly Step[], mode: ApplyMode): Promise<FewSteps> {
    const few = new Map<RowsStep, FewRows>();
    if (mode.stageAll) return few;
    for (const step of steps) {
      if (step.kind !== 'rows' || mode.careful.has(tableKey(step.table))) continue;
      try {
        const rows = await prepareFew(step, this.#targets, this.#fewLines);
        if (rows !== undefined) few.set(step, rows);
      } catch (error) {
        throw tableError(error, step.table);
      }
    }
    return few;
  }

  async #runChunk(chunk: Message<BatchHeader>, followed: Followed, tx: Tx): Promise<void> {
    for (const { table, piece } of piecesOf(chunk)) {
      const fate = fateOf(followed, table, chunk.header.tick.tick);
      if (fate === 'apply') await this.#takePiece(table, piece, tx);
      else if (fate === 'keep') await this.#keep(table, piece, chunk.header.tick.tick, tx);
    }
    await failpoint(MID_BATCH);
  }

  async #takePiece(table: TableName, piece: Piece, tx: Tx): Promise<void> {
    if (piece.form === 'truncate') {
      tx.truncated.push(table);
      return;
    }
    await this.#truncate(tx);
    await tx.writer.write(table, piece);
  }

  async #keep(table: TableName, piece: Piece, tick: number, tx?: Tx): Promise<void> {
    await tx?.writer.endCopy();
    const { form, columns, key, cont, lines, body } = piece;
    await keepPending(this.#session.client, this.#queue, table, {
      tick,
      form,
      columns,
      key,
      source: piece.source ?? null,
      cont,
      n: lines,
      lines: body,
    });
  }

  /** Empties the tables whose truncates stand side by side; those that others reference are deleted from instead. */
  async #truncate(tx: Tx): Promise<void> {
    if (tx.truncated.length === 0) return;
    const tables = [...new Map(tx.truncated.map((table) => [tableKey(table), table])).values()];
    tx.truncated = [];
    await tx.writer.flush(tables);
    const [first] = tables;
    try {
      const targets = await Promise.all(tables.map((table) => this.#targets.table(table)));
      const free = truncatable(targets);
      if (free.length > 0) await this.#session.client.query(truncateSql(free));
      for (const target of targets) if (!free.includes(target)) await this.#session.client.query(deleteAllSql(target));
    } catch (error) {
      throw first === undefined ? error : tableError(error, first);
    }
  }

  async #finishSteps(tx: Tx, sequences: readonly SequenceValue[]): Promise<void> {
    if (this.#session.replica) await tx.writer.flush();
    else await tx.writer.flushInOrder(await this.#parentsFirst(tx));
    for (const value of sequences) this.#setSequence(value, tx);
    await tx.pipeline.settle();
  }

  async #parentsFirst(tx: Tx): Promise<TableName[]> {
    await tx.writer.endCopy();
    return orderByReferences(this.#session.client, tx.writer.stagedTables());
  }

  #setSequence(value: SequenceValue, tx: Tx): void {
    tx.pipeline.send(setSequenceQuery(value), { wrap: (error) => sequenceError(error, value) });
  }
}

type FewSteps = ReadonlyMap<RowsStep, FewRows>;

interface Tx {
  readonly pipeline: Pipeline;
  readonly writer: BulkWriter;
  /** Truncates that stand side by side and wait for the next thing that is none. */
  truncated: TableName[];
}

/** Those of the tables that only others of these reference; the server refuses to truncate any other. */
function truncatable(targets: readonly TargetTable[]): TargetTable[] {
  const together = new Set(targets.map(tableKey));
  const free = targets.filter((target) => target.referencedBy.every((other) => together.has(tableKey(other))));
  return free.length === targets.length ? free : truncatable(free);
}

function linesOf(chunks: readonly Message<BatchHeader>[]): number {
  return chunks.reduce((sum, chunk) => sum + chunk.header.lines, 0);
}

/** No record goes on in the next chunk, for certain. */
function endsRecord({ header, body }: Message<BatchHeader>): boolean {
  const section = header.sections.at(-1);
  if (section === undefined || section.cont || body.at(-1) !== 0x0a) return false;
  let isQuoted = false;
  for (let at = body.indexOf(0x22, body.length - section.bytes); at >= 0; at = body.indexOf(0x22, at + 1))
    isQuoted = !isQuoted;
  return !isQuoted;
}

/** A deferred constraint speaks at COMMIT and names its table. */
function commitError(error: unknown): unknown {
  const { schema, table } = (error ?? {}) as { schema?: string; table?: string };
  return schema !== undefined && table !== undefined ? tableError(error, { schema, name: table }) : error;
}

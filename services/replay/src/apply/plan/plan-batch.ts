import { codes, MillraceError } from '@millrace/errors';
import { type Position, type TableName, type Tick, tableKey } from '@millrace/model';
import type { SubscribedTable } from '@millrace/subscriber';
import type { BatchHeader, Message, Section, SequenceValue } from '@millrace/wire';

/** A batch that is in memory as a whole: its chunks in order. */
export interface WholeBatch {
  readonly prev: Position;
  readonly tick: Tick;
  readonly chunks: readonly Message<BatchHeader>[];
}

/** Bytes of one section as one message carried them. */
export interface Piece {
  readonly form: Section['form'];
  readonly columns: readonly (string | null)[];
  readonly key: readonly string[];
  /** Numbers and types of the columns at the provider; undefined: not told. */
  readonly source?: string | undefined;
  /** Records that end in it. */
  readonly lines: number;
  /** Begins in the middle of a record of the piece before. */
  readonly cont: boolean;
  readonly body: Buffer;
}

/** All that happens to one table between two truncates of it. */
export interface RowsStep {
  readonly kind: 'rows';
  readonly table: TableName;
  readonly pieces: Piece[];
  lines: number;
  bytes: number;
}

export type Step =
  | RowsStep
  | { readonly kind: 'truncate'; readonly tables: readonly TableName[] }
  /** For a table whose copy is not in: kept for later. */
  | { readonly kind: 'keep'; readonly table: TableName; readonly tick: number; readonly piece: Piece };

/** What this subscriber follows, as of one generation of wishes. */
export interface Followed {
  readonly generation: number;
  readonly tables: ReadonlyMap<string, SubscribedTable>;
  readonly sequences: ReadonlySet<string>;
}

/** What to do with a table's lines of one batch. */
export function fateOf(followed: Followed, table: TableName, tick: number): 'apply' | 'keep' | 'ignore' {
  const entry = followed.tables.get(tableKey(table));
  if (entry === undefined) return 'ignore';
  if (entry.state === 'ok') return 'apply';
  // A new copy will hold it.
  if (entry.state === 'held') return 'ignore';
  // What the loaded copy has already is not needed.
  if (entry.state === 'catching-up' && entry.copyTick !== null && tick <= entry.copyTick) return 'ignore';
  return 'keep';
}

/** The sections of a message with their bytes. */
export function* piecesOf(message: Message<BatchHeader>): Generator<{ table: TableName; piece: Piece }> {
  let at = 0;
  for (const section of message.header.sections) {
    const body = message.body.subarray(at, at + section.bytes);
    at += section.bytes;
    yield { table: section.table, piece: { ...section, body } };
  }
}

/**
 * Orders what batches do, one after the other, into steps. Lines of a table are gathered over all batches up to its
 * next truncate: the order between tables is not visible to anybody, the order within one is kept.
 */
export function planBatches(batches: readonly WholeBatch[], followed: Followed): Step[] {
  const plan = new Plan(followed);
  for (const batch of batches) {
    for (const chunk of batch.chunks) {
      for (const { table, piece } of piecesOf(chunk)) plan.take(table, piece, batch.tick.tick);
    }
    plan.endTruncate();
  }
  return plan.finish();
}

class Plan {
  readonly #followed: Followed;
  readonly #steps: Step[] = [];
  readonly #open = new Map<string, RowsStep>();
  #truncated: TableName[] = [];

  constructor(followed: Followed) {
    this.#followed = followed;
  }

  take(table: TableName, piece: Piece, tick: number): void {
    const fate = fateOf(this.#followed, table, tick);
    if (piece.form !== 'truncate') this.endTruncate();
    if (fate === 'ignore') return;
    if (fate === 'keep') this.#steps.push({ kind: 'keep', table, tick, piece });
    else if (piece.form === 'truncate') this.#truncated.push(table);
    else this.#addRows(table, piece);
  }

  /** Truncates that stood side by side become one statement: their tables may reference each other. */
  endTruncate(): void {
    if (this.#truncated.length === 0) return;
    for (const table of this.#truncated) this.#close(tableKey(table));
    this.#steps.push({ kind: 'truncate', tables: this.#truncated });
    this.#truncated = [];
  }

  finish(): Step[] {
    this.endTruncate();
    for (const key of [...this.#open.keys()]) this.#close(key);
    return this.#steps;
  }

  #addRows(table: TableName, piece: Piece): void {
    const key = tableKey(table);
    let step = this.#open.get(key);
    if (step === undefined) {
      if (piece.cont) throw new MillraceError(codes.BAD_MESSAGE, 'a section goes on that did not begin');
      step = { kind: 'rows', table, pieces: [], lines: 0, bytes: 0 };
      this.#open.set(key, step);
    }
    step.pieces.push(piece);
    step.lines += piece.lines;
    step.bytes += piece.body.length;
  }

  #close(key: string): void {
    const step = this.#open.get(key);
    if (step === undefined) return;
    this.#open.delete(key);
    this.#steps.push(step);
  }
}

/** The last value of each followed sequence that moved in these batches. */
export function planSequences(chunks: Iterable<Message<BatchHeader>>, followed: Followed): SequenceValue[] {
  const values = new Map<string, SequenceValue>();
  for (const chunk of chunks) {
    for (const value of chunk.header.sequences ?? []) {
      const key = tableKey(value);
      if (followed.sequences.has(key)) values.set(key, value);
    }
  }
  return [...values.values()];
}

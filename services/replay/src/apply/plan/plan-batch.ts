// Turns waiting batches into the steps of one transaction.
import { codes, MillraceError } from '@millrace/errors';
import { type Position, type TableName, type Tick, tableKey } from '@millrace/model';
import type { BatchHeader, Message, SequenceValue } from '@millrace/wire';
import { type Followed, fateOf } from './followed.ts';
import { type Piece, piecesOf } from './piece.ts';

/** A batch that is in memory as a whole: its chunks in order. */
export interface WholeBatch {
  readonly prev: Position;
  readonly tick: Tick;
  readonly chunks: readonly Message<BatchHeader>[];
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
  /** For a table whose copy is not in: stored until then. */
  | { readonly kind: 'keep'; readonly table: TableName; readonly tick: number; readonly piece: Piece };

export interface BatchPlan {
  readonly steps: readonly Step[];
  readonly sequences: readonly SequenceValue[];
  /** Row changes in the batches, those of tables that are not followed included. */
  readonly lines: number;
}

/**
 * Orders what batches do, one after the other, into steps. Changes of a table are gathered over all batches up to its
 * next truncate: the order between tables is not visible to anybody, the order within one is kept.
 */
export function planBatches(batches: readonly WholeBatch[], followed: Followed): BatchPlan {
  const chunks = batches.flatMap((batch) => batch.chunks);
  return {
    steps: planSteps(batches, followed),
    sequences: planSequences(chunks, followed),
    lines: chunks.reduce((sum, chunk) => sum + chunk.header.lines, 0),
  };
}

/** The last value of each followed sequence that moved in these chunks. */
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

function planSteps(batches: readonly WholeBatch[], followed: Followed): Step[] {
  const steps = new StepList(followed);
  for (const batch of batches) {
    for (const chunk of batch.chunks) {
      for (const { table, piece } of piecesOf(chunk)) steps.add(table, piece, batch.tick.tick);
    }
    steps.endTruncate();
  }
  return steps.finish();
}

class StepList {
  readonly #followed: Followed;
  readonly #steps: Step[] = [];
  readonly #open = new Map<string, RowsStep>();
  #truncated: TableName[] = [];

  constructor(followed: Followed) {
    this.#followed = followed;
  }

  add(table: TableName, piece: Piece, tick: number): void {
    const fate = fateOf(this.#followed, table, tick);
    if (piece.form !== 'truncate') this.endTruncate();
    if (fate === 'ignore') return;
    if (fate === 'keep') this.#steps.push({ kind: 'keep', table, tick, piece });
    else if (piece.form === 'truncate') this.#truncated.push(table);
    else this.#addRows(table, piece);
  }

  /** Consecutive truncates become one statement: their tables may reference each other. */
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

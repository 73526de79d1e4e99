// Reads the CSV records of pieces into row changes.
import { codes, MillraceError } from '@millrace/errors';
import type { Op } from '@millrace/model';
import type { RowChange } from '../net-change.ts';
import { carriedColumns, type Layout } from '../plan/layout.ts';
import type { Piece } from '../plan/piece.ts';
import { parseRecords, type RawRecord } from './csv-lines.ts';

/** Fields in the order of `carriedColumns`. Undefined when the bytes are not UTF-8. */
export function readRows(pieces: readonly Piece[], layout: Layout): RowChange[] | undefined {
  const columns = carriedColumns(layout);
  const places = new Map(columns.map((column, at) => [column.name, at]));
  const changes: RowChange[] = [];
  for (const piece of joined(pieces)) {
    const records = parseRecords(piece.body, piece.lines);
    if (records === undefined) return undefined;
    const format: RecordFormat = {
      places: piece.columns.map((name) => (name === null ? undefined : places.get(name))),
      hasOp: piece.form === 'change',
      width: columns.length,
    };
    for (const record of records) changes.push(rowChange(record, format));
  }
  return changes;
}

/** Pieces of one run of records put together, so that no record is cut. */
function joined(pieces: readonly Piece[]): Piece[] {
  const whole: Piece[] = [];
  for (const piece of pieces) {
    const last = whole.at(-1);
    if (!piece.cont || last === undefined) whole.push(piece);
    else
      whole[whole.length - 1] = {
        ...last,
        lines: last.lines + piece.lines,
        body: Buffer.concat([last.body, piece.body]),
      };
  }
  return whole;
}

interface RecordFormat {
  /** For each field of a record, its place in the row change; undefined: ignored. */
  readonly places: readonly (number | undefined)[];
  /** Records begin with the op, `(U`, and end with `)`. */
  readonly hasOp: boolean;
  /** Number of fields of a row change. */
  readonly width: number;
}

function rowChange(record: RawRecord, { places, hasOp, width }: RecordFormat): RowChange {
  const shift = hasOp ? 1 : 0;
  // A record without columns is an empty line, which reads as one empty field.
  const isEmpty = record.length === 1 && places.length === 0 && !hasOp;
  if (record.length !== places.length + 2 * shift && !isEmpty)
    throw new MillraceError(codes.BAD_MESSAGE, 'a record has another number of fields than its section has columns');
  const fields = new Array<string>(width).fill('');
  for (const [at, place] of places.entries()) {
    if (place !== undefined) fields[place] = record[at + shift] ?? '';
  }
  return { op: hasOp ? opOf(record) : 'I', fields };
}

function opOf([mark]: RawRecord): Op {
  if (mark === '(I' || mark === '(U' || mark === '(D' || mark === '(R' || mark === '(A') return mark[1] as Op;
  throw new MillraceError(codes.BAD_MESSAGE, 'a change record has an unknown op');
}

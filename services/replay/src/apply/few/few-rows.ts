import { codes, MillraceError } from '@millrace/errors';
import { type TableName, tableLabel } from '@millrace/model';
import { conflict, constraintOf, isHandedOver, NeedsCare, tableError } from '../errors/table-error.ts';
import { type Line, type NetKind, netOfLines, opOf } from '../net-change.ts';
import type { Piece, RowsStep } from '../plan/plan-batch.ts';
import { deleteSql, identityDiffersSql, insertSql, type Source, updateSql } from '../statements/row-statements.ts';
import { isKeyOnly, type Layout, shapeOf } from '../target/layout.ts';
import type { Prepared, Targets } from '../target/targets.ts';
import type { Pipeline } from '../transaction/pipeline.ts';
import { arrayOf, compositeOf, parseRecords, type RawRecord } from './csv-lines.ts';

/** Up to here lines go as one parameter of a prepared statement; beyond, staging is quicker (measured). */
const fewLines = 1000;
const fewBytes = 1024 * 1024;

/** A table's few lines, netted, ready to send. */
export interface FewRows {
  readonly prepared: Prepared;
  readonly net: Readonly<Record<NetKind, string[]>>;
}

/**
 * Readies a step for the quick way. Undefined when it is too large, its key cannot be compared as text, its records
 * have several shapes, or its bytes are not UTF-8: then it goes through staging.
 */
export async function prepareFew(step: RowsStep, targets: Targets, mostLines = fewLines): Promise<FewRows | undefined> {
  if (step.lines > mostLines || step.bytes > fewBytes) return undefined;
  const whole = step.pieces.filter((piece) => !isKeyOnly(piece.columns, piece.key));
  const model = whole[0] ?? step.pieces[0];
  if (model === undefined) return undefined;
  const shape = shapeOf(model.columns, model.key);
  if (whole.some((piece) => shapeOf(piece.columns, piece.key) !== shape)) return undefined;
  if (step.pieces.some((piece) => piece.key.join() !== model.key.join())) return undefined;
  for (const piece of step.pieces) await targets.match(step.table, piece);
  const prepared = await targets.prepare(step.table, model.columns, model.key);
  if (!prepared.layout.exactKey) return undefined;
  const lines = linesOf(step.pieces, prepared.layout);
  if (lines === undefined) return undefined;
  await targets.needLine(prepared);
  return { prepared, net: composites(lines, prepared.layout) };
}

function composites(lines: readonly Line[], layout: Layout): Record<NetKind, string[]> {
  const columns = lineColumns(layout);
  if (layout.keyIndex === undefined) {
    if (lines.some((line) => line.op !== 'I')) throw noKey(layout.table);
    return { insert: lines.map((line) => compositeOf(line.fields)), update: [], remove: [], put: [], wipe: [] };
  }
  const net = netOfLines(
    lines,
    layout.key.map((k) => columns.indexOf(k.column)),
  );
  const as = (kind: NetKind) => net[kind].map(compositeOf);
  return { insert: as('insert'), update: as('update'), remove: as('remove'), put: as('put'), wipe: as('wipe') };
}

/** The provider lost the table's key: the lines do not tell which rows they mean. */
export function noKey(table: TableName): MillraceError {
  const label = tableLabel(table);
  return new MillraceError(
    codes.NOT_REPLICABLE,
    `table ${label} had no key at the provider when rows of it were updated or deleted, so which rows is not known`,
    { advice: `give it a key there, then \`millrace resync ${label} --yes\` copies it again and replay goes on` },
  );
}

/** The columns of the line type, in its order. */
function lineColumns(layout: Layout) {
  return [...new Set([...layout.columns, ...layout.key.map((k) => k.column)])];
}

function linesOf(pieces: readonly Piece[], layout: Layout): Line[] | undefined {
  const columns = lineColumns(layout);
  const places = new Map(columns.map((column, at) => [column.name, at]));
  const lines: Line[] = [];
  for (const piece of joined(pieces)) {
    const records = parseRecords(piece.body);
    if (records === undefined) return undefined;
    if (records.length !== piece.lines)
      throw new MillraceError(codes.BAD_MESSAGE, 'a section has another number of records than announced');
    const to = piece.columns.map((name) => (name === null ? undefined : places.get(name)));
    const shift = piece.form === 'change' ? 1 : 0;
    for (const record of records) lines.push(lineOf(record, { to, shift, width: columns.length }));
  }
  return lines;
}

function lineOf(
  record: RawRecord,
  { to, shift, width }: { to: (number | undefined)[]; shift: number; width: number },
): Line {
  if (record.length !== to.length + 2 * shift && !(record.length === 1 && to.length === 0 && shift === 0)) {
    throw new MillraceError(codes.BAD_MESSAGE, 'a record has another number of fields than its section has columns');
  }
  const fields = new Array<string>(width).fill('');
  for (const [at, place] of to.entries()) {
    if (place !== undefined) fields[place] = record[at + shift] ?? '';
  }
  return { op: shift === 0 ? 'I' : opOf(record), fields };
}

/** Pieces of one record run put together, so that no record is cut. */
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

const order: readonly NetKind[] = ['remove', 'wipe', 'update', 'put', 'insert'];

/** Sends the statements of one table; what they must answer is judged when the pipeline settles. */
export function sendFew({ prepared, net }: FewRows, pipeline: Pipeline): void {
  const { layout, names } = prepared;
  const source: Source = { from: 'parameter', names };
  for (const kind of order) {
    const lines = net[kind];
    if (lines.length === 0) continue;
    const parameter = arrayOf(lines);
    for (const statement of statementsOf(layout, source, kind)) {
      pipeline.send(
        { name: `${prepared.prefix}_${statement.name}`, text: statement.sql, values: [parameter] },
        {
          judge: ({ rowCount }) =>
            judge(layout, { kind, statement: statement.name, got: rowCount ?? 0, of: lines.length }),
          wrap: (error) => fewError(error, layout, kind),
        },
      );
    }
  }
}

function statementsOf(layout: Layout, source: Source, kind: NetKind): { name: string; sql: string }[] {
  if (kind === 'remove' || kind === 'wipe') return [{ name: 'delete', sql: deleteSql(layout, source, kind) }];
  if (kind === 'insert') return [{ name: 'insert', sql: insertSql(layout, source, kind) }];
  const differs = identityDiffersSql(layout, source, kind);
  return [
    ...(differs === undefined ? [] : [{ name: 'differs', sql: differs }]),
    { name: 'update', sql: updateSql(layout, source, kind) },
    ...(kind === 'put' ? [{ name: 'insert_absent', sql: insertSql(layout, source, kind, true) }] : []),
  ];
}

function judge(
  layout: Layout,
  { kind, statement, got, of }: { kind: NetKind; statement: string; got: number; of: number },
): void {
  if (statement === 'differs') {
    if (got > 0) throw new NeedsCare(layout.table, undefined);
    return;
  }
  const op = { remove: 'delete', update: 'update', insert: 'insert' }[kind as 'remove' | 'update' | 'insert'];
  if (op !== undefined && got !== of) throw conflict(layout.table, { op, wrong: Math.abs(of - got), of });
}

/** A unique index that was hit by the order of changes calls for care; the key's own index tells a conflict. */
function fewError(error: unknown, layout: Layout, kind: NetKind): unknown {
  if (!isHandedOver(error)) return tableError(error, layout.table);
  if (kind === 'insert' && constraintOf(error) === layout.keyIndex?.name && !layout.table.partitioned) {
    return conflict(layout.table, { op: 'insert', wrong: 1, of: 1 });
  }
  return new NeedsCare(layout.table, tableError(error, layout.table));
}

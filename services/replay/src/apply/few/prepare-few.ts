// Few rows of a table are netted here and sent as one parameter of prepared statements; more go through a stage.
import { type TableName, tableKey } from '@millrace/model';
import { noKey } from '../errors/impossible-change.ts';
import { tableError } from '../errors/table-error.ts';
import { type NetKind, netKinds, netRows, type RowChange } from '../net-change.ts';
import { carriedColumns, type Layout } from '../plan/layout.ts';
import { isKeyOnly, type SectionShape, shapeText } from '../plan/piece.ts';
import type { RowsStep, Step } from '../plan/plan-batch.ts';
import type { ApplyMode } from '../retry.ts';
import type { PreparedLayout, Targets } from '../target/targets.ts';
import { compositeOf } from './csv-lines.ts';
import { readRows } from './read-rows.ts';

/** The default limit, as measured: beyond it staging is quicker. */
export const defaultMaxFewRows = 1000;
const maxFewBytes = 1024 * 1024;

/** A table's few rows, netted, ready to send. */
export interface FewRows {
  readonly prepared: PreparedLayout;
  /** Composite values of the rows. */
  readonly net: Readonly<Record<NetKind, string[]>>;
}

export type FewSteps = ReadonlyMap<RowsStep, FewRows>;

/** Prepares those steps that are few rows. Call it outside transactions: the types that it creates must stay. */
export async function prepareFewSteps(
  steps: readonly Step[],
  targets: Targets,
  { mode, maxRows }: { mode: ApplyMode; maxRows: number },
): Promise<FewSteps> {
  const few = new Map<RowsStep, FewRows>();
  if (mode.stageAll) return few;
  for (const step of steps) {
    if (step.kind !== 'rows' || mode.rowReplacement.has(tableKey(step.table))) continue;
    try {
      const rows = await prepareStep(step, targets, maxRows);
      if (rows !== undefined) few.set(step, rows);
    } catch (error) {
      throw tableError(error, step.table);
    }
  }
  return few;
}

/** Undefined when the step has too many rows or several shapes, its key cannot be compared as text, or it is not UTF-8. */
async function prepareStep(step: RowsStep, targets: Targets, maxRows: number): Promise<FewRows | undefined> {
  if (step.lines > maxRows || step.bytes > maxFewBytes) return undefined;
  const shape = commonShape(step.pieces);
  if (shape === undefined) return undefined;
  for (const piece of step.pieces) await targets.columns.check(step.table, piece);
  const prepared = await targets.prepare(step.table, shape);
  if (prepared.layout.table.owner.actAs) return undefined;
  const changes = prepared.layout.exactKey ? readRows(step.pieces, prepared.layout) : undefined;
  if (changes === undefined) return undefined;
  await targets.ensureRowType(prepared);
  return { prepared, net: netComposites(changes, prepared.layout) };
}

/** The shape of the pieces; those that have only the key fit any with the same key. Undefined: they have several. */
function commonShape<T extends SectionShape>(pieces: readonly T[]): T | undefined {
  const whole = pieces.filter((piece) => !isKeyOnly(piece));
  const model = whole[0] ?? pieces[0];
  if (model === undefined) return undefined;
  const text = shapeText(model);
  if (whole.some((piece) => shapeText(piece) !== text)) return undefined;
  return pieces.every((piece) => piece.key.join() === model.key.join()) ? model : undefined;
}

function netComposites(changes: readonly RowChange[], layout: Layout): Record<NetKind, string[]> {
  const net = layout.keyIndex === undefined ? insertsOnly(changes, layout.table) : netRows(changes, keyPlaces(layout));
  return Object.fromEntries(netKinds.map((kind) => [kind, net[kind].map(compositeOf)])) as Record<NetKind, string[]>;
}

/** A table without a key takes inserts only. */
function insertsOnly(changes: readonly RowChange[], table: TableName): ReturnType<typeof netRows> {
  if (changes.some(({ op }) => op !== 'I')) throw noKey(table);
  return { insert: changes.map(({ fields }) => fields), update: [], delete: [], upsert: [], deleteIfPresent: [] };
}

function keyPlaces(layout: Layout): number[] {
  const columns = carriedColumns(layout);
  return layout.key.map(({ column }) => columns.indexOf(column));
}

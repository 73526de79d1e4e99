// Applies what is staged of a table: its net change, or in row-replacement mode all its changed rows.
import { codes, MillraceError } from '@millrace/errors';
import { type TableName, tableKey } from '@millrace/model';
import { type ApplySession, planForManyRows, type TargetTable, tableRunner } from '@millrace/subscriber';
import { noKey } from '../errors/impossible-change.ts';
import { RetryWithRowReplacement } from '../errors/retry-signals.ts';
import { expectRows } from '../errors/row-conflict.ts';
import { writeError } from '../errors/uniqueness-conflict.ts';
import { emptyNetSql, type NetCounts, type NetKind, surveyAndFillSql, surveySql } from '../net-change.ts';
import type { ApplyMode } from '../retry.ts';
import {
  deleteSql,
  identityDiffersSql,
  insertAllSql,
  insertSql,
  type RowSource,
  updateSql,
} from '../statements/row-statements.ts';
import { emptyStageSql, otherThanInsertSql } from '../statements/stage-statements.ts';
import type { PreparedLayout } from '../target/targets.ts';
import { replaceRows } from './replace-rows.ts';

/** What is staged of a table. */
export interface StagedRows {
  readonly table: TableName;
  readonly prepared: PreparedLayout;
  /** Shape of the pieces whose layout that is. */
  readonly shape: string;
  lines: number;
}

/** Which part of a net change is applied. */
export interface ApplyPhase {
  readonly deletes: boolean;
  readonly writes: boolean;
}

export class StageApplier {
  readonly #session: ApplySession;
  readonly #mode: ApplyMode;
  #isPlanningForMany = false;
  /** Rows that were not as expected and were corrected (policy upsert). */
  conflicts = 0;

  constructor(session: ApplySession, mode: ApplyMode) {
    this.#session = session;
    this.#mode = mode;
  }

  async apply(staged: StagedRows, phase: ApplyPhase): Promise<void> {
    const { table, prepared } = staged;
    const { keyIndex } = prepared.layout;
    const isReplacing = this.#mode.rowReplacement.has(tableKey(table));
    await this.#planForMany();
    try {
      if (keyIndex === undefined) await this.#insertAll(staged);
      else if (isReplacing) await this.#replaceRows(staged, phase);
      else await this.#applyNet(staged, phase);
    } catch (error) {
      if (error instanceof RetryWithRowReplacement) throw error;
      throw writeError(error, { table, keyIndex: keyIndex?.name, isReplacing });
    }
  }

  /** Counts the net change and readies it for `write`. */
  async survey({ prepared }: StagedRows): Promise<NetCounts> {
    await this.#planForMany();
    return this.#query(prepared, surveyAndFillSql);
  }

  /** Forgets what `survey` readied; the stage stays. */
  async emptyNet({ prepared }: StagedRows): Promise<void> {
    await this.#session.client.query(emptyNetSql(prepared.names));
  }

  /** Writes the rows of a surveyed net change that are there afterwards. */
  async write({ table, prepared }: StagedRows, counts: NetCounts): Promise<void> {
    const { layout } = prepared;
    const source = sourceOf(prepared, counts);
    for (const kind of ['update', 'upsert'] as const) {
      if (counts[kind] === 0) continue;
      const differs = identityDiffersSql(layout, source(kind), kind);
      if (differs !== undefined && (await this.#run(layout.table, differs)) > 0)
        throw new RetryWithRowReplacement(table, undefined);
      const updated = await this.#run(layout.table, updateSql(layout, source(kind), kind));
      if (kind === 'update') expectRows(table, 'update', { got: updated, of: counts.update });
      else if (updated < counts.upsert) await this.#run(layout.table, insertSql(layout, source(kind), kind, true));
    }
    if (counts.insert > 0) await this.#run(layout.table, insertSql(layout, source('insert'), 'insert'));
  }

  /** Empties a stage for more rows in this transaction. At its end the server does that. */
  async emptyStage({ prepared }: StagedRows): Promise<void> {
    await this.#session.client.query(emptyStageSql(prepared.names));
  }

  async #applyNet(staged: StagedRows, phase: ApplyPhase): Promise<void> {
    const { table, prepared } = staged;
    const { layout } = prepared;
    const counts = await this.#query(prepared, phase.writes ? surveyAndFillSql : surveySql);
    const source = sourceOf(prepared, counts);
    if (phase.deletes && counts.delete > 0) {
      const deleted = await this.#run(layout.table, deleteSql(layout, source('delete'), 'delete'));
      expectRows(table, 'delete', { got: deleted, of: counts.delete });
    }
    if (phase.deletes && counts.deleteIfPresent > 0)
      await this.#run(layout.table, deleteSql(layout, source('deleteIfPresent'), 'deleteIfPresent'));
    if (phase.writes) await this.write(staged, counts);
  }

  async #replaceRows({ table, prepared }: StagedRows, phase: ApplyPhase): Promise<void> {
    if (!phase.writes) return;
    await this.#query(prepared, surveySql);
    this.conflicts += await replaceRows(this.#session, table, prepared, this.#mode.conflicts);
  }

  /** A table without a key takes inserts only; they go in as they came. */
  async #insertAll({ prepared: { layout, names }, lines }: StagedRows): Promise<void> {
    if ((await this.#run(layout.table, otherThanInsertSql(names))) !== 0) throw noKey(layout.table);
    if ((await this.#run(layout.table, insertAllSql(layout, names))) !== lines)
      throw new MillraceError(codes.INTERNAL, 'not every staged row was inserted');
  }

  async #query({ layout, names }: PreparedLayout, surveyOf: typeof surveySql): Promise<NetCounts> {
    const found = await this.#session.client.query(surveyOf(layout, names));
    const counts = Object.fromEntries(
      Object.entries(found.rows[0]).map(([name, value]) => [name, Number(value)]),
    ) as NetCounts;
    if (counts.bad > 0) throw new MillraceError(codes.BAD_MESSAGE, 'a change record has an unknown op');
    return counts;
  }

  async #run(table: TargetTable, sql: string): Promise<number> {
    return tableRunner(this.#session, table).run(sql);
  }

  async #planForMany(): Promise<void> {
    if (!this.#isPlanningForMany) await planForManyRows(this.#session.client);
    this.#isPlanningForMany = true;
  }
}

/** Where a statement finds the rows of a kind, after a survey that filled the net table if keys have several changes. */
function sourceOf({ names }: PreparedLayout, counts: NetCounts): (kind: NetKind) => RowSource {
  const isSingle = counts.keys === counts.lines;
  return (kind) => (isSingle ? { from: 'stage', names, all: counts[kind] === counts.keys } : { from: 'net', names });
}

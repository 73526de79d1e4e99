// The statements that merge a copy stage into its table.
import { quoteIdent, quoteTable } from '@millrace/postgres';
import type { TargetColumn, TargetIndex, TargetTable } from '@millrace/subscriber';
import type { Layout } from '../apply/plan/layout.ts';

/** How a copy is merged: rows that are there already and equal, bit for bit, are not touched. */
export interface MergeSql {
  /** Keeps out other writers, not readers. */
  readonly lock: string;
  /** Rows that the provider does not have. */
  readonly remove: string;
  /** Rows that differ; undefined: a row is nothing but its key. */
  readonly change: string | undefined;
  readonly insert: string;
  readonly count: string;
}

export const savepointSql = 'SAVEPOINT merge';
export const backToSavepointSql = 'ROLLBACK TO SAVEPOINT merge';

/** Gives the planner statistics of a stage. */
export function analyzeStageSql(stage: string): string {
  return `ANALYZE ${stage}`;
}

export function countStageSql(stage: string): string {
  return `SELECT count(*) AS n FROM ${stage}`;
}

/**
 * The same where a unique value moves from row to row: rows that differ are deleted, and inserted again with the columns that only
 * the subscriber has.
 */
export interface ReplaceSql {
  /** Undefined: the table has no such columns. */
  readonly saveExtras: string | undefined;
  readonly remove: string;
  readonly insertWithExtras: string | undefined;
}

const savedTable = 'pg_temp.millrace_copy_kept';
const list = (columns: readonly TargetColumn[], alias = '') =>
  columns.map((c) => alias + quoteIdent(c.name)).join(', ');
const only = (table: TargetTable) => (table.partitioned ? quoteTable(table) : `ONLY ${quoteTable(table)}`);

/** The columns of a stage: those of the copy in its order, each of its column's type. */
export function stageFieldsSql(layout: Layout): string[] {
  return layout.columns.map((c) => `${quoteIdent(c.name)} ${c.type}${c.collate}`);
}

/** Loads chunks of a copy into its stage. */
export function copyIntoStageSql(stage: string, columns: readonly string[]): string {
  const names = columns.length === 0 ? '' : ` (${columns.map(quoteIdent).join(', ')})`;
  return `COPY ${stage}${names} FROM STDIN`;
}

/** Whether the table has rows. */
export function hasRowsSql(table: TargetTable): string {
  return `SELECT EXISTS (SELECT FROM ${only(table)}) AS yes`;
}

/** The unique index that identifies the rows of the copy in the table; undefined: rows cannot be identified. */
export function mergeIndex(layout: Layout): TargetIndex | undefined {
  const names = new Set(layout.columns.map((c) => c.name));
  return layout.table.uniqueIndexes.find((index) => index.columns.every((name) => names.has(name)));
}

export function mergeSql(layout: Layout, stage: string, index: TargetIndex): MergeSql {
  const { table, columns } = layout;
  const on = onIndex(index, 't', 's');
  const set = columns.filter((c) => c.identity !== 'always' && !(index.columns.includes(c.name) && c.exact));
  return {
    ...frame(layout),
    // A value that is generated always cannot be updated: such a row is deleted and inserted again.
    remove: `DELETE FROM ${only(table)} AS t WHERE NOT EXISTS (SELECT FROM ${stage} AS s WHERE ${on}${sameFixed(layout)})`,
    change:
      set.length === 0
        ? undefined
        : `UPDATE ${only(table)} AS t SET ${set.map((c) => `${quoteIdent(c.name)} = s.${quoteIdent(c.name)}`).join(', ')}
          FROM ${stage} AS s WHERE ${on} AND ${differs(columns)}`,
    insert: `${into(layout, columns)} SELECT ${list(columns, 's.')} FROM ${stage} AS s
      WHERE NOT EXISTS (SELECT FROM ${only(table)} AS t WHERE ${on})`,
  };
}

export function replaceSql(layout: Layout, stage: string, index: TargetIndex): ReplaceSql {
  const { table, columns, extras } = layout;
  const on = onIndex(index, 't', 's');
  const keys = index.columns.map(quoteIdent);
  const remove = `DELETE FROM ${only(table)} AS t
    WHERE NOT EXISTS (SELECT FROM ${stage} AS s WHERE ${on} AND NOT ${differs(columns)})`;
  if (extras.length === 0) return { saveExtras: undefined, remove, insertWithExtras: undefined };
  const saved = [...keys, ...extras.map((c) => quoteIdent(c.name))].map((name) => `t.${name}`).join(', ');
  return {
    saveExtras: `CREATE TEMP TABLE ${savedTable.replace('pg_temp.', '')} ON COMMIT DROP AS
      SELECT ${saved} FROM ${only(table)} AS t JOIN ${stage} AS s ON ${on} WHERE ${differs(columns)}`,
    remove,
    insertWithExtras: `${into(layout, [...columns, ...extras])} SELECT ${list(columns, 's.')}, ${list(extras, 'k.')}
      FROM ${stage} AS s JOIN ${savedTable} AS k ON ${onIndex(index, 'k', 's')}`,
  };
}

/** Whether a row would have to be deleted and inserted again for a value that is generated always; undefined: there is no such column. */
export function fixedDiffersSql(layout: Layout, stage: string, index: TargetIndex): string | undefined {
  const fixed = layout.columns.filter((c) => c.identity === 'always');
  if (fixed.length === 0) return undefined;
  return `SELECT EXISTS (SELECT FROM ${only(layout.table)} AS t JOIN ${stage} AS s ON ${onIndex(index, 't', 's')}
    WHERE ${differs(fixed)}) AS yes`;
}

/** A table whose rows cannot be identified is replaced whole. */
export function mergeWholeSql(layout: Layout, stage: string): MergeSql {
  const { table, columns } = layout;
  return {
    ...frame(layout),
    remove: `DELETE FROM ${only(table)}`,
    change: undefined,
    insert: `${into(layout, columns)} SELECT ${list(columns, 's.')} FROM ${stage} AS s`,
  };
}

function frame({ table }: Layout): Pick<MergeSql, 'lock' | 'count'> {
  return {
    lock: `LOCK TABLE ${only(table)} IN SHARE ROW EXCLUSIVE MODE`,
    count: `SELECT count(*) AS n FROM ${only(table)}`,
  };
}

function into({ table }: Layout, columns: readonly TargetColumn[]): string {
  const names = columns.length === 0 ? '' : ` (${list(columns)})`;
  return `INSERT INTO ${quoteTable(table)}${names} OVERRIDING SYSTEM VALUE`;
}

function onIndex(index: TargetIndex, left: string, right: string): string {
  return index.columns
    .map((name, at) => `${left}.${quoteIdent(name)} ${index.equals[at] ?? '='} ${right}.${quoteIdent(name)}`)
    .join(' AND ');
}

/** True for rows of which one bit differs: types need no equality for it, and 1.1 is not 1.10. */
function differs(columns: readonly TargetColumn[]): string {
  const left = columns.map((c) => `t.${quoteIdent(c.name)}::${c.type}`);
  return `pg_catalog.record_image_ne(ROW(${left.join(', ')}), ROW(${list(columns, 's.')}))`;
}

function sameFixed({ columns }: Layout): string {
  const fixed = columns.filter((c) => c.identity === 'always');
  return fixed.length === 0 ? '' : ` AND NOT ${differs(fixed)}`;
}

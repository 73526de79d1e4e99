// Statements of row-replacement mode: every changed row is deleted and inserted again, with the values of its extra columns.
import { quoteTable } from '@millrace/postgres';
import type { TargetColumn } from '@millrace/subscriber';
import { presentKinds } from '../net-change.ts';
import type { Layout } from '../plan/layout.ts';
import { columnList, keyColumns, onlyTable, sameKey } from './fragments.ts';
import type { BatchStage } from './stage-statements.ts';

export interface ReplaceStatements {
  /** Saves the extra columns of rows that will be there again. */
  readonly keep: string;
  /** Deletes all changed rows. One row: how many of them were expected (`yes`), and how many were not (`no`). */
  readonly remove: string;
  readonly insertKept: string;
  /** Inserts the rows that were not there before. */
  readonly insertNew: string;
}

export function replaceStatements(layout: Layout, names: BatchStage): ReplaceStatements {
  const { table, extras } = layout;
  const changed = `(SELECT s.*, n._kind, n._before FROM ${names.stage} AS s JOIN ${names.net} AS n ON n._seq = s._seq) AS s`;
  const isPresent = `s._kind IN (${presentKinds.map((kind) => `'${kind}'`).join(', ')})`;
  const onKey = sameKey(layout, 't', 's');
  const onKeptKey = sameKey(layout, 'k', 's');
  const into = (columns: readonly TargetColumn[]) =>
    `INSERT INTO ${quoteTable(table)} (${columnList(columns)}) OVERRIDING SYSTEM VALUE`;
  return {
    keep: `INSERT INTO ${names.kept} SELECT ${join(columnList(keyColumns(layout), 't.'), columnList(extras, 't.'))}
      FROM ${onlyTable(table)} AS t JOIN ${changed} ON ${onKey} WHERE ${isPresent}`,
    remove: `WITH gone AS (DELETE FROM ${onlyTable(table)} AS t USING ${changed} WHERE ${onKey} RETURNING s._before)
      SELECT count(*) FILTER (WHERE _before = 'yes') AS yes, count(*) FILTER (WHERE _before = 'no') AS no FROM gone`,
    insertKept: `${into([...layout.columns, ...extras])} SELECT ${join(columnList(layout.columns, 's.'), columnList(extras, 'k.'))} FROM ${changed} JOIN ${names.kept} AS k ON ${onKeptKey} WHERE ${isPresent}`,
    insertNew: `${into(layout.columns)} SELECT ${columnList(layout.columns, 's.')} FROM ${changed}
      WHERE ${isPresent} AND NOT EXISTS (SELECT FROM ${names.kept} AS k WHERE ${onKeptKey})`,
  };
}

/** How many keys of the net change had a row before it. */
export function expectedBeforeSql(names: BatchStage): string {
  return `SELECT count(*) FILTER (WHERE _before = 'yes') AS yes FROM ${names.net}`;
}

function join(...lists: readonly string[]): string {
  return lists.filter((list) => list !== '').join(', ');
}

// Statements on whole tables: COPY into them and emptying them.
import { quoteIdent, quoteTable } from '@millrace/postgres';
import type { TargetTable } from '@millrace/subscriber';
import type { Layout } from '../plan/layout.ts';
import { columnList, onlyTable } from './fragments.ts';

/** COPY of an insert section straight into the table. Only for layouts in which every field has a column. */
export function copyTargetSql(layout: Layout): string {
  return `COPY ${quoteTable(layout.table)} (${columnList(layout.columns)}) FROM STDIN (FORMAT csv)`;
}

/** COPY of a table copy as the provider sent it. */
export function copyWholeSql(table: TargetTable, columns: readonly string[]): string {
  const names = columns.length === 0 ? '' : ` (${columns.map(quoteIdent).join(', ')})`;
  return `COPY ${quoteTable(table)}${names} FROM STDIN`;
}

/** Empties tables as the provider did; neither tables that inherit from them nor tables that reference them. */
export function truncateSql(tables: readonly TargetTable[]): string {
  return `TRUNCATE ${tables.map(onlyTable).join(', ')}`;
}

/** The same for a table that a table outside the batch still references. */
export function deleteAllSql(table: TargetTable): string {
  return `DELETE FROM ${onlyTable(table)}`;
}

// Parts that several statements have in common.
import { quoteIdent, quoteTable } from '@millrace/postgres';
import type { TargetColumn, TargetTable } from '@millrace/subscriber';
import type { Layout } from '../plan/layout.ts';

/** Names of columns, each behind an alias such as `s.`. */
export function columnList(columns: readonly TargetColumn[], alias = ''): string {
  return columns.map((column) => alias + quoteIdent(column.name)).join(', ');
}

/** Columns with their types, as a table or type declares them. */
export function declarations(columns: readonly TargetColumn[]): string[] {
  return columns.map((column) => `${quoteIdent(column.name)} ${column.type}${column.collate}`);
}

/** The table itself, without tables that inherit from it. A partitioned table has its rows in its partitions only. */
export function onlyTable(table: TargetTable): string {
  return table.partitioned ? quoteTable(table) : `ONLY ${quoteTable(table)}`;
}

/** Joins two row sources on the key. */
export function sameKey({ key }: Layout, left: string, right: string): string {
  return key
    .map(({ column, equals }) => `${left}.${quoteIdent(column.name)} ${equals} ${right}.${quoteIdent(column.name)}`)
    .join(' AND ');
}

/** The columns of the key. */
export function keyColumns({ key }: Layout): TargetColumn[] {
  return key.map(({ column }) => column);
}

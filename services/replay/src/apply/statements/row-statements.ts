// The set statements that bring a net change into a table, one kind at a time.
import { quoteIdent, quoteTable } from '@millrace/postgres';
import { type NetKind, onlyOpOf } from '../net-change.ts';
import type { Layout } from '../plan/layout.ts';
import { columnList, keyColumns, onlyTable, sameKey } from './fragments.ts';
import type { BatchStage } from './stage-statements.ts';

/** Where a statement takes its rows from. */
export type RowSource =
  /** The stage, whose keys are all different; `all`: all its row changes are of this kind. */
  | { readonly from: 'stage'; readonly names: BatchStage; readonly all: boolean }
  /** The stage with several row changes for a key: the net table names those that count. */
  | { readonly from: 'net'; readonly names: BatchStage }
  /** `$1`: array of row values. */
  | { readonly from: 'parameter'; readonly names: BatchStage };

/** Deletes the rows of the source's keys. */
export function deleteSql(layout: Layout, source: RowSource, kind: NetKind): string {
  return `DELETE FROM ${onlyTable(layout.table)} AS t USING ${sourceSql(source, kind, byKey(layout))} WHERE ${onKey(layout)}`;
}

/**
 * Updates the rows of the source's keys. Key columns are set too where equal values may differ in text. Identity columns
 * that are generated always cannot be set; `identityDiffersSql` finds rows whose values differ there.
 */
export function updateSql(layout: Layout, source: RowSource, kind: NetKind): string {
  const keys = new Set(keyColumns(layout));
  const settable = layout.columns.filter((column) => column.identity !== 'always');
  const wanted = settable.filter((column) => !keys.has(column) || !column.exact);
  const sets = (wanted.length > 0 ? wanted : settable).map(({ name }) => `${quoteIdent(name)} = s.${quoteIdent(name)}`);
  if (sets.length === 0) {
    // Nothing but an identity key: only that the rows are there is checked. Locking counts them as an update would.
    return `SELECT 1 FROM ${onlyTable(layout.table)} AS t JOIN ${sourceSql(source, kind)} ON ${onKey(layout)} FOR UPDATE OF t`;
  }
  return `UPDATE ${onlyTable(layout.table)} AS t SET ${sets.join(', ')} FROM ${sourceSql(source, kind, byKey(layout))} WHERE ${onKey(layout)}`;
}

/** Inserts the source's rows; `absent`: only those whose key has no row. */
export function insertSql(layout: Layout, source: RowSource, kind: NetKind, absent = false): string {
  const where = absent ? ` WHERE NOT EXISTS (SELECT FROM ${onlyTable(layout.table)} AS t WHERE ${onKey(layout)})` : '';
  const columns = layout.columns.length === 0 ? '' : ` (${columnList(layout.columns)})`;
  return `INSERT INTO ${quoteTable(layout.table)}${columns} OVERRIDING SYSTEM VALUE
    SELECT ${columnList(layout.columns, 's.')} FROM ${sourceSql(source, kind)}${where}`;
}

/** Inserts everything staged, for a table without a key: it takes inserts only. */
export function insertAllSql(layout: Layout, names: BatchStage): string {
  return insertSql(layout, { from: 'stage', names, all: true }, 'insert');
}

/**
 * Finds a row whose identity column that is generated always has another value than the change: it must be deleted and
 * inserted again. Undefined: the table has no such column beside its key.
 */
export function identityDiffersSql(layout: Layout, source: RowSource, kind: NetKind): string | undefined {
  const keys = new Set(keyColumns(layout));
  const fixed = layout.columns.filter((column) => column.identity === 'always' && !keys.has(column));
  if (fixed.length === 0) return undefined;
  const differs = fixed.map(({ name }) => `t.${quoteIdent(name)} <> s.${quoteIdent(name)}`).join(' OR ');
  return `SELECT 1 FROM ${onlyTable(layout.table)} AS t JOIN ${sourceSql(source, kind)} ON ${onKey(layout)} WHERE ${differs} LIMIT 1`;
}

function sourceSql(source: RowSource, kind: NetKind, order = ''): string {
  const { names } = source;
  if (source.from === 'parameter') return `unnest($1::${names.rowType}[]) AS s`;
  if (source.from === 'net') {
    return `(SELECT s.* FROM ${names.stage} AS s JOIN ${names.net} AS n ON n._seq = s._seq WHERE n._kind = '${kind}'${order}) AS s`;
  }
  const where = source.all ? '' : ` WHERE s._op = '(${onlyOpOf[kind]}'`;
  return where + order === '' ? `${names.stage} AS s` : `(SELECT s.* FROM ${names.stage} AS s${where}${order}) AS s`;
}

/** Joins target `t` and source `s` on the key. */
function onKey(layout: Layout): string {
  return sameKey(layout, 't', 's');
}

/**
 * Rows that are written in the order of their key, which is mostly that of the table and always that of its index, cost a third
 * less. Only where comparing values costs next to nothing.
 */
function byKey({ key }: Layout): string {
  const isCheap = key.every(({ column }) => column.exact && column.collate === '');
  return isCheap ? ` ORDER BY ${key.map(({ column }) => `s.${quoteIdent(column.name)}`).join(', ')}` : '';
}

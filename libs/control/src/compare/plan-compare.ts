// The SQL of a comparison. It runs the same at both sides, on any version from 14 on, under pinned settings, so that the same
// row gives the same text and the same text the same sums; docs/decisions has the reasons.
import type { TableName } from '@millrace/model';
import type { ShapeColumn, TableShape } from '@millrace/postgres';
import { quoteIdent, quoteTable } from '@millrace/postgres';

/** A table at one side with what is compared of it. Both sides name the same columns in the same order. */
export interface Reading {
  readonly table: TableName;
  readonly shape: TableShape;
  readonly columns: readonly string[];
  readonly key: readonly string[];
}

/** Part of a table: the rows whose key hashes into one of these ranges of 2^bits; null: all. */
export interface Ranges {
  readonly bits: number;
  readonly numbers: readonly number[] | null;
}

/** Settings of a session that compares, beside the pinned ones: all rows or an error, and no long waits. */
export const compareSettings: Readonly<Record<string, string>> = {
  row_security: 'off',
  jit: 'off',
  lock_timeout: '5s',
  tcp_keepalives_idle: '30',
};

/** The first statement after it takes the snapshot. */
export const beginReadingSql = 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY';
export const endReadingSql = 'ROLLBACK';

/** Around the work on one table: its lock is released afterwards, the snapshot stays. */
export const beginTableSql = 'SAVEPOINT millrace_table';
export const endTableSql = 'ROLLBACK TO SAVEPOINT millrace_table';

export function lockTableSql(table: TableName): string {
  return `LOCK TABLE ${quoteTable(table)} IN ACCESS SHARE MODE`;
}

/**
 * Per range of the key's hash: rows, and two 64-bit hashes of each row's text, summed without overflow: 128 bits that do not
 * depend on the order of rows.
 */
export function rangeSumsSql(reading: Reading, bits: number, from: Ranges): string {
  return `SELECT ${rangeOf('h', bits)} AS range, count(*) AS rows, sum(${hashOf('x', 1)}) AS a, sum(${hashOf('x', 2)}) AS b
    FROM (${hashedRows(reading, from)}) AS s GROUP BY 1`;
}

/** The rows of some ranges, in the order of their key's hash: the key as text, and the row's two hashes. */
export function rangeRowsSql(reading: Reading, from: Ranges): string {
  return `SELECT h::text AS h, key, ${hashOf('x', 1)}::text AS a, ${hashOf('x', 2)}::text AS b
    FROM (${hashedRows(reading, from, `${keyArray(reading)} AS key`)}) AS s ORDER BY s.h`;
}

/** Reads such rows in portions. */
export function openRowsSql(sql: string): string {
  return `DECLARE millrace_rows NO SCROLL CURSOR FOR ${sql}`;
}

export function fetchRowsSql(count: number): string {
  return `FETCH ${count} FROM millrace_rows`;
}

export const closeRowsSql = 'CLOSE millrace_rows';

/** A column's own output, whatever casts to text its type may have. */
export function outputOf(column: ShapeColumn, alias = 't'): string {
  const name = `${alias}.${quoteIdent(column.name)}`;
  return column.plain ? `${name}::text` : `concat(${name})`;
}

export function keyArray({ shape, key }: Reading): string {
  return `ARRAY[${key.map((name) => outputOf(columnOf(shape, name))).join(', ')}]`;
}

/** The compared columns as one text, NULLs and empty texts distinguished. */
export function rowText({ columns }: Reading): string {
  return `ROW(${columns.map((name) => `t.${quoteIdent(name)}`).join(', ')})::text`;
}

/** ` FROM …` with the alias t: a partitioned table through its partitions, any other without its children. */
export function fromTable({ table, shape }: Pick<Reading, 'table' | 'shape'>): string {
  return `FROM ${shape.partitioned ? '' : 'ONLY '}${quoteTable(table)} AS t`;
}

export function columnOf(shape: TableShape, name: string): ShapeColumn {
  const column = shape.columns.find((one) => one.name === name);
  if (column === undefined) throw new Error(`no column ${name}`);
  return column;
}

// OFFSET keeps the planner from computing a text once for each of its uses; a literal of unknown type is a constant immediately,
// with which the scan may still be parallel.
function hashedRows(reading: Reading, from: Ranges, more?: string): string {
  const { shape } = reading;
  const keyHash = hashOf(utf8Of(keyText(reading), shape), 0);
  const rows = `SELECT ${keyHash} AS h, ${utf8Of(rowText(reading), shape)} AS x${more === undefined ? '' : `, ${more}`}
    ${fromTable(reading)}`;
  if (from.numbers === null) return `${rows} OFFSET '0'`;
  return `${rows} WHERE ${rangeOf(keyHash, from.bits)} = ANY ('{${from.numbers.join(',')}}'::int[]) OFFSET '0'`;
}

function keyText({ shape, key }: Reading): string {
  const [first, ...rest] = key;
  if (first !== undefined && rest.length === 0) return outputOf(columnOf(shape, first));
  return `ROW(${key.map((name) => `t.${quoteIdent(name)}`).join(', ')})::text`;
}

function rangeOf(hash: string, bits: number): string {
  return `(${hash} & ${2 ** bits - 1})::int`;
}

// Collation C: hashing the text under its own would depend on the server's locales.
function hashOf(text: string, seed: number): string {
  return `hashtextextended(${text} COLLATE "C", ${seed})`;
}

/** The text with the bytes it has in UTF8: hashes are of bytes. */
function utf8Of(text: string, { encoding }: TableShape): string {
  if (encoding === 'UTF8' || encoding === 'SQL_ASCII') return text;
  return `convert_from(convert_to(${text}, 'UTF8'), getdatabaseencoding())`;
}

// The SQL of a repair: what it reads of single rows at either side, and the statements that make a row at a subscriber equal.
// Every literal comes from the server's own quoting and takes its type from the column it meets.
import { pinnedSettings, quoteIdent, quoteTable } from '@millrace/postgres';
import type { TargetIndex, TargetTable } from '@millrace/subscriber';
import { columnOf, fromTable, keyArray, outputOf, type Reading, rowText } from './plan-compare.ts';

/** A table open at one side, with the index by which its rows are found. */
export interface Findable {
  readonly reading: Reading;
  readonly target: TargetTable;
  readonly index: TargetIndex;
}

/** A row as SQL literals, of either side. */
export interface LiteralRow {
  readonly key: readonly string[];
  readonly text: string;
  readonly keyLiterals: readonly string[];
  readonly textLiteral: string;
  readonly valueLiterals: readonly string[];
}

/** Beginning of the transaction that repairs: nothing may happen before the position is held. */
export const beginWritingSql = 'BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE';
export const commitSql = 'COMMIT';

/** Reads the rows with the given keys; one array of texts for each column of the key, in its order. */
export function findRowsSql({ reading, target, index }: Findable): string {
  const { key, columns, shape } = reading;
  const wanted = key.map((_, at) => `$${at + 1}::text[]`).join(', ');
  const names = key.map((_, at) => `k${at}`).join(', ');
  const conditions = key.map((name, at) => {
    const type = target.columns.find((column) => column.name === name)?.type;
    return `t.${quoteIdent(name)} ${equalsOf(index, name)} w.k${at}::${type}`;
  });
  const quoted = columns.map((name) => {
    const column = columnOf(shape, name);
    // A composite of NULLs is NULL to IS NULL, and is a value all the same.
    const isNull = `num_nulls(t.${quoteIdent(name)}) = 1`;
    return `CASE WHEN ${isNull} THEN 'NULL' ELSE quote_literal(${outputOf(column)}) END`;
  });
  const keyQuoted = key.map((name) => `quote_literal(${outputOf(columnOf(shape, name))})`);
  return `SELECT ${keyArray(reading)} AS key, ${rowText(reading)} AS text, ARRAY[${keyQuoted.join(', ')}] AS "keyLiterals",
      quote_literal(${rowText(reading)}) AS "textLiteral", ARRAY[${quoted.join(', ')}]::text[] AS "valueLiterals"
    ${fromTable(reading)} JOIN unnest(${wanted}) AS w (${names}) ON ${conditions.join(' AND ')}`;
}

export function deleteSql(at: Findable, row: LiteralRow): string {
  return `DELETE ${fromTable(at.reading)} WHERE ${isStill(at, row)}`;
}

/** Gives the row that is `old` the provider's values. */
export function updateSql(at: Findable, old: LiteralRow, row: LiteralRow): string {
  const { key, columns } = at.reading;
  const sets = columns.flatMap((name, n) =>
    key.includes(name) ? [] : [`${quoteIdent(name)} = ${row.valueLiterals[n]}`],
  );
  return `UPDATE ${fromTable(at.reading).slice('FROM '.length)} SET ${sets.join(', ')} WHERE ${isStill(at, old)}`;
}

export function insertSql({ reading }: Findable, row: LiteralRow): string {
  const columns = reading.columns.map(quoteIdent).join(', ');
  return `INSERT INTO ${quoteTable(reading.table)} (${columns}) OVERRIDING SYSTEM VALUE VALUES (${row.valueLiterals.join(', ')}) ON CONFLICT DO NOTHING`;
}

/** The statements around those of a script for psql: settings that give literals their meaning, and one transaction. */
export function scriptHead(): readonly string[] {
  const settings = { ...pinnedSettings, row_security: 'off', session_replication_role: 'replica' };
  const sets = Object.entries(settings).map(([name, value]) => `SET LOCAL ${name} = ${literalOf(name, value)};`);
  return ['BEGIN;', ...sets];
}

export const scriptEnd = 'COMMIT;';

function literalOf(name: string, value: string): string {
  // A list of schemas; in quotes it would be the name of one.
  return name === 'search_path' ? value : `'${value}'`;
}

/** Finds one row, if it has not been changed since. */
function isStill({ reading, index }: Findable, row: LiteralRow): string {
  const found = reading.key.map((name, at) => `t.${quoteIdent(name)} ${equalsOf(index, name)} ${row.keyLiterals[at]}`);
  return [...found, `${rowText(reading)} COLLATE "C" = ${row.textLiteral}`].join(' AND ');
}

function equalsOf(index: TargetIndex, name: string): string {
  return index.equals[index.columns.indexOf(name)] ?? '=';
}

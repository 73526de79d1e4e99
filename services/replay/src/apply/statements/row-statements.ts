import { quoteIdent, quoteTable } from '@millrace/postgres';
import type { TargetColumn, TargetTable } from '@millrace/subscriber';
import { type NetKind, netKinds } from '../net-change.ts';
import type { Layout } from '../target/layout.ts';

/** Names of the temporary objects that belong to one layout. They live as long as the session. */
export interface StageNames {
  /** Lines as they came: `_op`, fields, `_end`, `_seq`. */
  readonly stage: string;
  /** What is left to do: one row for each key that has something to do. */
  readonly net: string;
  /** Extra columns of rows that are deleted and inserted again. */
  readonly kept: string;
  /** A row of the table's columns as a type, for a few lines in one parameter. */
  readonly line: string;
}

export function stageNames(number: number): StageNames {
  return {
    stage: `pg_temp.millrace_stage_${number}`,
    net: `pg_temp.millrace_net_${number}`,
    kept: `pg_temp.millrace_kept_${number}`,
    line: `pg_temp.millrace_line_${number}`,
  };
}

const typed = (column: TargetColumn) => `${quoteIdent(column.name)} ${column.type}${column.collate}`;
const list = (columns: readonly TargetColumn[], alias = '') =>
  columns.map((c) => alias + quoteIdent(c.name)).join(', ');
const only = (table: TargetTable) => (table.partitioned ? quoteTable(table) : `ONLY ${quoteTable(table)}`);

/** Every column a line may carry or a key may need. */
const lineColumns = (layout: Layout) => [...new Set([...layout.columns, ...layout.key.map((k) => k.column)])];

/** Joins target `t` and source `s` on the key. */
const onKey = ({ key }: Layout) =>
  key.map(({ column, equals }) => `t.${quoteIdent(column.name)} ${equals} s.${quoteIdent(column.name)}`).join(' AND ');

/** Field names of the stage: a field without a column is read as text and forgotten. */
export function stageFields(layout: Layout): string[] {
  return layout.fields.map((column, at) => (column === null ? quoteIdent(`_skip_${at}`) : quoteIdent(column.name)));
}

/** The line type: one statement, made outside transactions so that prepared statements may rely on it. */
export function createLineSql(layout: Layout, names: StageNames): string {
  return `CREATE TYPE ${names.line} AS (${lineColumns(layout).map(typed).join(', ')})`;
}

/** The stage and its companions. Emptied by the server at every commit. */
export function createStageSql(layout: Layout, names: StageNames): string[] {
  const skips = layout.fields.flatMap((column, at) => (column === null ? [`${quoteIdent(`_skip_${at}`)} text`] : []));
  const fields = [
    `_op text DEFAULT '(I'`,
    ...lineColumns(layout).map(typed),
    ...skips,
    '_end text',
    '_seq bigint GENERATED ALWAYS AS IDENTITY',
  ];
  const local = (name: string) => name.replace('pg_temp.', '');
  const kept = [...layout.key.map((k) => k.column), ...layout.extras];
  return [
    `CREATE TEMP TABLE ${local(names.stage)} (${fields.join(', ')}) ON COMMIT DELETE ROWS`,
    `CREATE TEMP TABLE ${local(names.net)} (_seq bigint, _kind text, _before text) ON COMMIT DELETE ROWS`,
    `CREATE TEMP TABLE ${local(names.kept)} (${kept.map(typed).join(', ')}) ON COMMIT DELETE ROWS`,
  ];
}

export function dropStageSql(names: StageNames): string[] {
  return [`DROP TABLE IF EXISTS ${names.stage}, ${names.net}, ${names.kept}`, `DROP TYPE IF EXISTS ${names.line}`];
}

/** COPY of an insert section straight into the table. Only for layouts in which every field has a column. */
export function copyTargetSql(layout: Layout): string {
  return `COPY ${quoteTable(layout.table)} (${list(layout.columns)}) FROM STDIN (FORMAT csv)`;
}

/** COPY of a section's records into the stage: whole lines, key-only lines or insert records. */
export function copyStageSql(names: StageNames, fields: readonly string[], form: 'insert' | 'change'): string {
  const columns = form === 'insert' ? fields : ['_op', ...fields, '_end'];
  return `COPY ${names.stage} (${columns.join(', ')}) FROM STDIN (FORMAT csv)`;
}

// 1 to 5 as in the list of ops, 0 for what is none. Behind the sequence, so that min and max carry an op along.
const opSql = `CASE _op WHEN '(U' THEN 2 WHEN '(I' THEN 1 WHEN '(D' THEN 3 WHEN '(R' THEN 4 WHEN '(A' THEN 5 ELSE 0 END`;
// f: op of the first line, l: mark of the last, ops: a bit for each op there is; 16 and more: R or A (see netKind).
const kindSql = `CASE WHEN ops >= 16 THEN CASE WHEN l & 7 IN (1, 2, 4) THEN 'put' ELSE 'wipe' END
    WHEN f = 1 THEN CASE WHEN l & 7 IN (1, 2, 4) THEN 'insert' END
    ELSE CASE WHEN l & 7 IN (1, 2, 4) THEN 'update' ELSE 'remove' END END`;

const beforeSql = `CASE WHEN ops >= 16 THEN 'unknown' WHEN f = 1 THEN 'no' ELSE 'yes' END`;

/** One row per key of the stage: first and last mark, ops, number of lines. */
function perKey(layout: Layout, names: StageNames): string {
  const keys = layout.key.map((k) => quoteIdent(k.column.name)).join(', ');
  return `SELECT min(_seq * 8 + op) & 7 AS f, max(_seq * 8 + op) AS l, bit_or(1 << op) AS ops, count(*) AS n
    FROM (SELECT ${keys}, _seq, ${opSql} AS op FROM ${names.stage}) m GROUP BY ${keys}`;
}

/**
 * Looks at the stage: keys, lines, lines with an unknown op, and how many keys of each kind there are.
 * One row: keys, lines, bad, insert, update, remove, put, wipe.
 */
export function surveySql(layout: Layout, names: StageNames): string {
  return `${countsSql} FROM (SELECT ops, n, ${kindSql} AS k FROM (${perKey(layout, names)}) g) g`;
}

const countsSql = `SELECT count(*) AS keys, coalesce(sum(n), 0) AS lines, count(*) FILTER (WHERE ops & 1 = 1) AS bad,
  ${netKinds.map((kind) => `count(*) FILTER (WHERE k = '${kind}') AS "${kind}"`).join(', ')}`;

/** The same look, which fills the net table too if some key has several lines: the keys are gathered once for both. */
export function surveyAndFillSql(layout: Layout, names: StageNames): string {
  return `WITH g AS MATERIALIZED (SELECT *, ${kindSql} AS k FROM (${perKey(layout, names)}) g),
      filled AS (INSERT INTO ${names.net} (_seq, _kind, _before) SELECT l >> 3, k, ${beforeSql} FROM g
        WHERE (SELECT count(*) < sum(n) FROM g))
    ${countsSql} FROM g`;
}

/** Fills the net table from the stage. `_before`: yes, no or unknown. */
export function fillNetSql(layout: Layout, names: StageNames): string {
  return `INSERT INTO ${names.net} (_seq, _kind, _before)
    SELECT l >> 3, ${kindSql}, ${beforeSql}
    FROM (${perKey(layout, names)}) g`;
}

const opOfKind: Record<NetKind, string> = { insert: '(I', update: '(U', remove: '(D', put: '(R', wipe: '(A' };

/** Where set statements take their lines from. */
export type Source =
  /** Stage whose keys are all different; `all`: and all lines are of this kind. */
  | { readonly from: 'stage'; readonly names: StageNames; readonly all: boolean }
  /** Stage with several lines for a key: the net table tells which count. */
  | { readonly from: 'net'; readonly names: StageNames }
  /** `$1`: array of line values. */
  | { readonly from: 'parameter'; readonly names: StageNames };

function sourceSql(source: Source, kind: NetKind, order = ''): string {
  const { names } = source;
  if (source.from === 'parameter') return `unnest($1::${names.line}[]) AS s`;
  if (source.from === 'net') {
    return `(SELECT s.* FROM ${names.stage} AS s JOIN ${names.net} AS n ON n._seq = s._seq WHERE n._kind = '${kind}'${order}) AS s`;
  }
  const where = source.all ? '' : ` WHERE s._op = '${opOfKind[kind]}'`;
  return where + order === '' ? `${names.stage} AS s` : `(SELECT s.* FROM ${names.stage} AS s${where}${order}) AS s`;
}

/**
 * Rows that are written in the order of their key, which is mostly that of the table and always that of its index, cost a third
 * less. Only where comparing values costs next to nothing.
 */
function byKey({ key }: Layout): string {
  const isQuick = key.every(({ column }) => column.exact && column.collate === '');
  return isQuick ? ` ORDER BY ${key.map(({ column }) => `s.${quoteIdent(column.name)}`).join(', ')}` : '';
}

/** Deletes the rows of the lines' keys. */
export function deleteSql(layout: Layout, source: Source, kind: NetKind): string {
  return `DELETE FROM ${only(layout.table)} AS t USING ${sourceSql(source, kind, byKey(layout))} WHERE ${onKey(layout)}`;
}

/**
 * Updates the rows of the lines' keys. Key columns are set too where equal values may differ in text. Identity columns
 * that are generated always cannot be set; that their values agree is asked by `identityDiffersSql`.
 */
export function updateSql(layout: Layout, source: Source, kind: NetKind): string {
  const keys = new Set(layout.key.map((k) => k.column));
  const settable = layout.columns.filter((c) => c.identity !== 'always');
  const wanted = settable.filter((c) => !keys.has(c) || !c.exact);
  const sets = (wanted.length > 0 ? wanted : settable).map((c) => `${quoteIdent(c.name)} = s.${quoteIdent(c.name)}`);
  if (sets.length === 0) {
    // Nothing but an identity key: ask that the rows are there. Locking counts them as an update would.
    return `SELECT 1 FROM ${only(layout.table)} AS t JOIN ${sourceSql(source, kind)} ON ${onKey(layout)} FOR UPDATE OF t`;
  }
  return `UPDATE ${only(layout.table)} AS t SET ${sets.join(', ')} FROM ${sourceSql(source, kind, byKey(layout))} WHERE ${onKey(layout)}`;
}

/** Inserts the lines; `absent`: only those whose key has no row. */
export function insertSql(layout: Layout, source: Source, kind: NetKind, absent = false): string {
  const where = absent ? ` WHERE NOT EXISTS (SELECT FROM ${only(layout.table)} AS t WHERE ${onKey(layout)})` : '';
  const columns = layout.columns.length === 0 ? '' : ` (${list(layout.columns)})`;
  return `INSERT INTO ${quoteTable(layout.table)}${columns} OVERRIDING SYSTEM VALUE
    SELECT ${list(layout.columns, 's.')} FROM ${sourceSql(source, kind)}${where}`;
}

/** Key columns or others that are generated always and not found equal: such a row must be deleted and inserted. */
export function identityDiffersSql(layout: Layout, source: Source, kind: NetKind): string | undefined {
  const keys = new Set(layout.key.map((k) => k.column));
  const fixed = layout.columns.filter((c) => c.identity === 'always' && !keys.has(c));
  if (fixed.length === 0) return undefined;
  const differs = fixed.map((c) => `t.${quoteIdent(c.name)} <> s.${quoteIdent(c.name)}`).join(' OR ');
  return `SELECT 1 FROM ${only(layout.table)} AS t JOIN ${sourceSql(source, kind)} ON ${onKey(layout)} WHERE ${differs} LIMIT 1`;
}

/** A table without a key takes inserts only; they go in as they came. */
export function insertAllSql(layout: Layout, names: StageNames): string {
  return insertSql(layout, { from: 'stage', names, all: true }, 'insert');
}

/** The careful way: every touched row goes and comes again, keeping what the provider does not know of. */
export function carefulSql(
  layout: Layout,
  names: StageNames,
): { keep: string; remove: string; insertKept: string; insertNew: string } {
  const { table, extras } = layout;
  const touched = `(SELECT s.*, n._kind, n._before FROM ${names.stage} AS s JOIN ${names.net} AS n ON n._seq = s._seq) AS s`;
  const keys = list(
    layout.key.map((k) => k.column),
    't.',
  );
  const keptOn = layout.key
    .map(({ column, equals }) => `k.${quoteIdent(column.name)} ${equals} s.${quoteIdent(column.name)}`)
    .join(' AND ');
  const living = `s._kind IN ('insert', 'update', 'put')`;
  const all = [...layout.columns, ...extras];
  const values = [list(layout.columns, 's.'), list(extras, 'k.')].filter((text) => text !== '').join(', ');
  const into = (columns: readonly TargetColumn[]) =>
    `INSERT INTO ${quoteTable(table)} (${list(columns)}) OVERRIDING SYSTEM VALUE`;
  return {
    keep: `INSERT INTO ${names.kept} SELECT ${[keys, list(extras, 't.')].filter((text) => text !== '').join(', ')}
      FROM ${only(table)} AS t JOIN ${touched} ON ${onKey(layout)} WHERE ${living}`,
    remove: `WITH gone AS (DELETE FROM ${only(table)} AS t USING ${touched} WHERE ${onKey(layout)} RETURNING s._before)
      SELECT count(*) FILTER (WHERE _before = 'yes') AS yes, count(*) FILTER (WHERE _before = 'no') AS no FROM gone`,
    insertKept: `${into(all)} SELECT ${values} FROM ${touched} JOIN ${names.kept} AS k ON ${keptOn} WHERE ${living}`,
    insertNew: `${into(layout.columns)} SELECT ${list(layout.columns, 's.')} FROM ${touched}
      WHERE ${living} AND NOT EXISTS (SELECT FROM ${names.kept} AS k WHERE ${keptOn})`,
  };
}

/** How many keys of the net table were, by the lines, there before; and that none was there which should not. */
export function expectedBeforeSql(names: StageNames): string {
  return `SELECT count(*) FILTER (WHERE _before = 'yes') AS yes FROM ${names.net}`;
}

/** Empties tables as the provider did, not their children, not what references them. */
export function truncateSql(tables: readonly TargetTable[]): string {
  return `TRUNCATE ${tables.map(only).join(', ')}`;
}

/** The same where a table outside still references one of them. */
export function deleteAllSql(table: TargetTable): string {
  return `DELETE FROM ${only(table)}`;
}

/** Empties a stage for more lines in the same transaction. */
export function emptyStageSql({ stage, net, kept }: StageNames): string {
  return `TRUNCATE ${stage}, ${net}, ${kept}`;
}

/** Empties what a survey filled. */
export function emptyNetSql({ net }: StageNames): string {
  return `TRUNCATE ${net}`;
}

/** Finds a line that is no insert. */
export function otherThanInsertSql({ stage }: StageNames): string {
  return `SELECT 1 FROM ${stage} WHERE _op <> '(I' LIMIT 1`;
}

/** Takes a table copy as it comes from the provider. */
export function copyWholeSql(table: TargetTable, columns: readonly string[]): string {
  const names = columns.length === 0 ? '' : ` (${columns.map(quoteIdent).join(', ')})`;
  return `COPY ${quoteTable(table)}${names} FROM STDIN`;
}

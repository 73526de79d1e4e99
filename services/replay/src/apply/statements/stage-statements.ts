// Statements on a batch's stage: the temporary tables that take row changes before they are applied.
import { quoteIdent } from '@millrace/postgres';
import type { NetTables } from '../net-change.ts';
import { carriedColumns, type Layout } from '../plan/layout.ts';
import { declarations, keyColumns } from './fragments.ts';

/** Names of the temporary objects that belong to one layout. They live as long as the session. */
export interface BatchStage extends NetTables {
  /** Extra columns of rows that are deleted and inserted again. */
  readonly kept: string;
  /** The columns of a row change as a type, for few rows in one parameter. */
  readonly rowType: string;
}

export function batchStage(number: number): BatchStage {
  return {
    stage: `pg_temp.millrace_stage_${number}`,
    net: `pg_temp.millrace_net_${number}`,
    kept: `pg_temp.millrace_kept_${number}`,
    rowType: `pg_temp.millrace_line_${number}`,
  };
}

/** Field names of the stage: a field without a column is read as text and ignored. */
export function stageFields(layout: Layout): string[] {
  return layout.fields.map((column, at) => quoteIdent(column === null ? `_skip_${at}` : column.name));
}

/** The row type: one statement, made outside transactions so that prepared statements may rely on it. */
export function createRowTypeSql(layout: Layout, names: BatchStage): string {
  return `CREATE TYPE ${names.rowType} AS (${declarations(carriedColumns(layout)).join(', ')})`;
}

/** The stage and the tables that go with it. The server empties them at every commit. */
export function createStageSql(layout: Layout, names: BatchStage): string[] {
  const skipped = layout.fields.flatMap((column, at) => (column === null ? [`${quoteIdent(`_skip_${at}`)} text`] : []));
  const fields = [
    `_op text DEFAULT '(I'`,
    ...declarations(carriedColumns(layout)),
    ...skipped,
    '_end text',
    '_seq bigint GENERATED ALWAYS AS IDENTITY',
  ];
  const local = (name: string) => name.replace('pg_temp.', '');
  const kept = declarations([...keyColumns(layout), ...layout.extras]);
  return [
    `CREATE TEMP TABLE ${local(names.stage)} (${fields.join(', ')}) ON COMMIT DELETE ROWS`,
    `CREATE TEMP TABLE ${local(names.net)} (_seq bigint, _kind text, _before text) ON COMMIT DELETE ROWS`,
    `CREATE TEMP TABLE ${local(names.kept)} (${kept.join(', ')}) ON COMMIT DELETE ROWS`,
  ];
}

export function dropStageSql(names: BatchStage): string[] {
  return [`DROP TABLE IF EXISTS ${names.stage}, ${names.net}, ${names.kept}`, `DROP TYPE IF EXISTS ${names.rowType}`];
}

/** COPY of a section's records into the stage: whole rows, key-only rows or insert records. */
export function copyStageSql(names: BatchStage, fields: readonly string[], form: 'insert' | 'change'): string {
  const columns = form === 'insert' ? fields : ['_op', ...fields, '_end'];
  return `COPY ${names.stage} (${columns.join(', ')}) FROM STDIN (FORMAT csv)`;
}

/** Empties a stage for more row changes in the same transaction. */
export function emptyStageSql({ stage, net, kept }: BatchStage): string {
  return `TRUNCATE ${stage}, ${net}, ${kept}`;
}

/** Finds a staged row change that is not an insert. */
export function otherThanInsertSql({ stage }: BatchStage): string {
  return `SELECT 1 FROM ${stage} WHERE _op <> '(I' LIMIT 1`;
}

// Sends the statements of few rows without waiting for their answers.

import { RetryWithRowReplacement } from '../errors/retry-signals.ts';
import { expectRows } from '../errors/row-conflict.ts';
import { writeError } from '../errors/uniqueness-conflict.ts';
import type { NetKind } from '../net-change.ts';
import type { Layout } from '../plan/layout.ts';
import type { Pipeline } from '../session/pipeline.ts';
import { deleteSql, identityDiffersSql, insertSql, type RowSource, updateSql } from '../statements/row-statements.ts';
import { arrayOf } from './csv-lines.ts';
import type { FewRows } from './prepare-few.ts';

const order: readonly NetKind[] = ['delete', 'deleteIfPresent', 'update', 'upsert', 'insert'];

/** What the server answers is judged when the pipeline settles. */
export function sendFew({ prepared, net }: FewRows, pipeline: Pipeline): void {
  const { layout, names } = prepared;
  const source: RowSource = { from: 'parameter', names };
  for (const kind of order) {
    const rows = net[kind];
    if (rows.length === 0) continue;
    const parameter = arrayOf(rows);
    for (const { name, sql } of statementsOf(layout, source, kind)) {
      pipeline.send(
        { name: `${prepared.prefix}_${name}`, text: sql, values: [parameter] },
        {
          judge: ({ rowCount }) => judge(layout, { kind, name, got: rowCount ?? 0, of: rows.length }),
          wrap: (error) => fewError(error, layout, kind),
        },
      );
    }
  }
}

interface Statement {
  readonly name: 'delete' | 'insert' | 'differs' | 'update' | 'insert_absent';
  readonly sql: string;
}

function statementsOf(layout: Layout, source: RowSource, kind: NetKind): Statement[] {
  if (kind === 'delete' || kind === 'deleteIfPresent')
    return [{ name: 'delete', sql: deleteSql(layout, source, kind) }];
  if (kind === 'insert') return [{ name: 'insert', sql: insertSql(layout, source, kind) }];
  const differs = identityDiffersSql(layout, source, kind);
  return [
    ...(differs === undefined ? [] : [{ name: 'differs', sql: differs } as const]),
    { name: 'update', sql: updateSql(layout, source, kind) },
    ...(kind === 'upsert' ? [{ name: 'insert_absent', sql: insertSql(layout, source, kind, true) } as const] : []),
  ];
}

interface Answer {
  readonly kind: NetKind;
  readonly name: Statement['name'];
  /** Rows that the statement found, and rows that were sent. */
  readonly got: number;
  readonly of: number;
}

function judge({ table }: Layout, { kind, name, got, of }: Answer): void {
  if (name === 'differs') {
    if (got > 0) throw new RetryWithRowReplacement(table, undefined);
  } else if (kind === 'insert' || kind === 'update' || kind === 'delete') {
    expectRows(table, kind, { got, of });
  }
}

function fewError(error: unknown, { table, keyIndex }: Layout, kind: NetKind): unknown {
  // A partition's index bears another name.
  const ownIndex = kind === 'insert' && !table.partitioned ? keyIndex?.name : undefined;
  return writeError(error, { table, keyIndex: ownIndex, isReplacing: false });
}

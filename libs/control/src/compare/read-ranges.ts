import { databaseError, type PgClient } from '@millrace/postgres';
import type { RangeSum } from './diff-ranges.ts';
import type { HashedRow } from './merge-rows.ts';
import {
  closeRowsSql,
  fetchRowsSql,
  openRowsSql,
  type Ranges,
  type Reading,
  rangeRowsSql,
  rangeSumsSql,
} from './plan-compare.ts';

/** A table open for reading in a session whose snapshot stays. */
export interface OpenTable {
  readonly client: PgClient;
  readonly reading: Reading;
  /** The side, in errors. */
  readonly label: string;
}

/** The sums of all ranges of `bits` that have rows, within the ranges of `from`. */
export async function readSums(open: OpenTable, bits: number, from: Ranges): Promise<RangeSum[]> {
  const sql = rangeSumsSql(open.reading, bits, from);
  const { rows } = await labelled(open.label, () =>
    open.client.query<Record<'range' | 'rows' | 'a' | 'b', string>>(sql),
  );
  return rows.map(({ range, rows: count, a, b }) => ({ range: Number(range), rows: Number(count), a, b }));
}

const rowsPerFetch = 5000;

/** The rows of some ranges in order of their hash, in portions. A reader that gives up must end the transaction. */
export async function* readRows(open: OpenTable, from: Ranges): AsyncGenerator<HashedRow> {
  const query = async (sql: string) => (await labelled(open.label, () => open.client.query<HashedRow>(sql))).rows;
  await query(openRowsSql(rangeRowsSql(open.reading, from)));
  for (;;) {
    const rows = await query(fetchRowsSql(rowsPerFetch));
    yield* rows;
    if (rows.length < rowsPerFetch) break;
  }
  await query(closeRowsSql);
}

/** Does work; an error of the database names `label`. */
export async function labelled<T>(label: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw databaseError(error, label);
  }
}

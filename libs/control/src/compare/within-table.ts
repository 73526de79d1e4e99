import type { PgClient } from '@millrace/postgres';
import { beginTableSql, endTableSql } from './plan-compare.ts';

/**
 * Does work on one table inside a transaction whose snapshot stays. Whatever the work did is undone: its lock on the table goes,
 * open cursors are closed, and an error of one table does not spoil the next.
 */
export async function withinTable<T>(client: PgClient, work: () => Promise<T>): Promise<T> {
  await client.query(beginTableSql);
  try {
    return await work();
  } finally {
    await client.query(endTableSql).catch(() => {});
  }
}

import { type TableName, tableKey } from '@millrace/model';
import type { Queryable } from '@millrace/postgres';
import type { TargetTable } from '@millrace/subscriber';
import { deleteAllSql, truncateSql } from '../statements/table-statements.ts';
import type { TableCache } from '../target/table-cache.ts';

/** Empties tables that the provider truncated; those that others reference are deleted from instead. */
export async function emptyTables(client: Queryable, cache: TableCache, tables: readonly TableName[]): Promise<void> {
  const distinct = [...new Map(tables.map((table) => [tableKey(table), table])).values()];
  const targets = await Promise.all(distinct.map((table) => cache.get(table)));
  const free = truncatable(targets);
  if (free.length > 0) await client.query(truncateSql(free));
  for (const target of targets) if (!free.includes(target)) await client.query(deleteAllSql(target));
}

/** Those of the tables that only others of them reference; the server refuses to truncate any other. */
function truncatable(targets: readonly TargetTable[]): readonly TargetTable[] {
  const together = new Set(targets.map(tableKey));
  const free = targets.filter((target) => target.referencedBy.every((other) => together.has(tableKey(other))));
  return free.length === targets.length ? free : truncatable(free);
}

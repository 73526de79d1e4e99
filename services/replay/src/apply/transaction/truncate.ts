import { type TableName, tableKey } from '@millrace/model';
import { type ApplySession, type TargetTable, tableRunner } from '@millrace/subscriber';
import { deleteAllSql, truncateSql } from '../statements/table-statements.ts';
import { keepAsRead } from '../target/keep-as-read.ts';
import type { TableCache } from '../target/table-cache.ts';

/** Empties tables that the provider truncated; those that others reference are deleted from instead. */
export async function emptyTables(
  session: ApplySession,
  cache: TableCache,
  tables: readonly TableName[],
): Promise<void> {
  const distinct = [...new Map(tables.map((table) => [tableKey(table), table])).values()];
  const targets = await Promise.all(distinct.map((table) => cache.get(table)));
  for (const target of targets) await keepAsRead(session.client, target);
  // One statement has the rights of one role.
  const groups = Map.groupBy(targets, ({ owner }) => (owner.actAs ? owner.oid : ''));
  for (const group of groups.values()) {
    const free = truncatable(group);
    const [first] = free;
    if (first !== undefined) await tableRunner(session, first).run(truncateSql(free));
    for (const target of group)
      if (!free.includes(target)) await tableRunner(session, target).run(deleteAllSql(target));
  }
}

/** Those of the tables that only others of them reference; the server refuses to truncate any other. */
function truncatable(targets: readonly TargetTable[]): readonly TargetTable[] {
  const together = new Set(targets.map(tableKey));
  const free = targets.filter((target) => target.referencedBy.every((other) => together.has(tableKey(other))));
  return free.length === targets.length ? free : truncatable(free);
}

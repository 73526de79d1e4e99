import { type TableName, tableKey } from '@millrace/model';
import type { SubscribedTable } from '@millrace/subscriber';

/** What this subscriber follows, as of one generation of the desired state. */
export interface Followed {
  readonly generation: number;
  readonly tables: ReadonlyMap<string, SubscribedTable>;
  readonly sequences: ReadonlySet<string>;
}

/** What to do with a table's changes of one batch; `keep`: store them until the table's copy is in. */
export function fateOf(followed: Followed, table: TableName, tick: number): 'apply' | 'keep' | 'ignore' {
  const entry = followed.tables.get(tableKey(table));
  if (entry === undefined) return 'ignore';
  if (entry.state === 'ok') return 'apply';
  // A new copy will contain them.
  if (entry.state === 'held') return 'ignore';
  // The loaded copy contains them.
  if (entry.state === 'catching-up' && entry.copyTick !== null && tick <= entry.copyTick) return 'ignore';
  return 'keep';
}

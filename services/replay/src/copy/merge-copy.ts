import type { PgClient } from '@millrace/postgres';
import { replicaRoleRequired } from '../apply/errors/impossible-change.ts';
import { isUniquenessConflict } from '../apply/errors/uniqueness-conflict.ts';
import type { Layout } from '../apply/plan/layout.ts';
import {
  backToSavepointSql,
  fixedDiffersSql,
  mergeIndex,
  mergeSql,
  mergeWholeSql,
  replaceSql,
  savepointSql,
} from './plan-copy.ts';

export interface Merge {
  readonly layout: Layout;
  /** Where the copy is, whole. */
  readonly stage: string;
  /** Foreign keys and triggers are off. */
  readonly replica: boolean;
}

/**
 * Makes the table what the stage is, within the open transaction, touching only rows that differ. Resolves to the number of rows
 * the table then has.
 */
export async function mergeCopy(client: PgClient, { layout, stage, replica }: Merge): Promise<number> {
  const index = mergeIndex(layout);
  const sql = index === undefined ? mergeWholeSql(layout, stage) : mergeSql(layout, stage, index);
  await client.query(sql.lock);
  if (index !== undefined && !replica) await refuseReinsertion(client, layout, fixedDiffersSql(layout, stage, index));
  await client.query(savepointSql);
  try {
    await client.query(sql.remove);
    if (sql.change !== undefined) await client.query(sql.change);
    await client.query(sql.insert);
  } catch (error) {
    // Without the right to turn foreign keys off, deleting a row to insert it again would set off their actions.
    if (index === undefined || !replica || !isUniquenessConflict(error)) throw error;
    await client.query(backToSavepointSql);
    const replacement = replaceSql(layout, stage, index);
    if (replacement.saveExtras !== undefined) await client.query(replacement.saveExtras);
    await client.query(replacement.remove);
    if (replacement.insertWithExtras !== undefined) await client.query(replacement.insertWithExtras);
    await client.query(sql.insert);
  }
  return Number((await client.query(sql.count)).rows[0].n);
}

/** Throws SUBSCRIBER_SCHEMA where a row of a referenced table would have to be deleted and inserted again. */
async function refuseReinsertion(client: PgClient, layout: Layout, sql: string | undefined): Promise<void> {
  if (sql === undefined || layout.table.referencedBy.length === 0) return;
  if ((await client.query(sql)).rows[0].yes === true) throw replicaRoleRequired(layout.table);
}

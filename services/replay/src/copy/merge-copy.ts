import { type ApplySession, type TableRunner, tableRunner } from '@millrace/subscriber';
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
}

/**
 * Makes the table what the stage is, within the open transaction, touching only rows that differ. Resolves to the number of rows
 * the table then has.
 */
export async function mergeCopy(session: ApplySession, { layout, stage }: Merge): Promise<number> {
  const { client, replica } = session;
  const runner = tableRunner(session, layout.table);
  const index = mergeIndex(layout);
  const sql = index === undefined ? mergeWholeSql(layout, stage) : mergeSql(layout, stage, index);
  await runner.run(sql.lock);
  if (index !== undefined && !replica) await refuseReinsertion(runner, layout, fixedDiffersSql(layout, stage, index));
  await client.query(savepointSql);
  try {
    await runner.run(sql.remove);
    if (sql.change !== undefined) await runner.run(sql.change);
    await runner.run(sql.insert);
  } catch (error) {
    // Without the right to turn foreign keys off, deleting a row to insert it again would set off their actions.
    if (index === undefined || !replica || !isUniquenessConflict(error)) throw error;
    await client.query(backToSavepointSql);
    const replacement = replaceSql(layout, stage, index);
    if (replacement.saveExtras !== undefined) await runner.run(replacement.saveExtras);
    await runner.run(replacement.remove);
    if (replacement.insertWithExtras !== undefined) await runner.run(replacement.insertWithExtras);
    await runner.run(sql.insert);
  }
  return Number((await runner.row(sql.count))['n']);
}

/** Throws SUBSCRIBER_SCHEMA where a row of a referenced table would have to be deleted and inserted again. */
async function refuseReinsertion(runner: TableRunner, layout: Layout, sql: string | undefined): Promise<void> {
  if (sql === undefined || layout.table.referencedBy.length === 0) return;
  if ((await runner.row(sql))['yes'] === true) throw replicaRoleRequired(layout.table);
}

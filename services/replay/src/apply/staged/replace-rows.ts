import type { TableName } from '@millrace/model';
import { type ApplySession, tableRunner } from '@millrace/subscriber';
import { rowConflict } from '../errors/row-conflict.ts';
import { fillNetSql } from '../net-change.ts';
import type { ConflictPolicy } from '../retry.ts';
import { expectedBeforeSql, replaceStatements } from '../statements/replace-statements.ts';
import type { PreparedLayout } from '../target/targets.ts';

/**
 * Deletes every row whose key has staged changes and inserts those that are left, with the values that their extra columns
 * had. Resolves to the number of rows that were not as expected; throws the conflict when the policy is to stop.
 */
export async function replaceRows(
  session: ApplySession,
  table: TableName,
  { layout, names }: PreparedLayout,
  policy: ConflictPolicy,
): Promise<number> {
  const hasExtras = layout.extras.length > 0;
  const sql = replaceStatements(layout, names);
  const { client } = session;
  const runner = tableRunner(session, layout.table);
  await client.query(fillNetSql(layout, names));
  if (hasExtras) await runner.run(sql.keep);
  const expected = Number((await client.query(expectedBeforeSql(names))).rows[0].yes);
  const removed = await runner.row(sql.remove);
  const missing = expected - Number(removed['yes']);
  const unexpected = Number(removed['no']);
  if (policy === 'stop') {
    if (missing > 0) throw rowConflict(table, { op: 'update or delete', wrong: missing, of: expected });
    if (unexpected > 0) throw rowConflict(table, { op: 'insert', wrong: unexpected, of: unexpected });
  }
  if (hasExtras) await runner.run(sql.insertKept);
  await runner.run(sql.insertNew);
  return missing + unexpected;
}

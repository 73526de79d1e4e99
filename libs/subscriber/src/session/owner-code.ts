import type { PgClient } from '@millrace/postgres';

/** Sessions in which code of a table's owner ran since the last rollback. */
const touched = new WeakSet<PgClient>();

export function ownerCodeRuns(client: PgClient): void {
  touched.add(client);
}

/**
 * After a rollback: prepared statements survive it, and code of an owner may have put its own in the place of ours. All are
 * dropped, and the driver prepares those that it needs again.
 */
export async function forgetOwnerCode(client: PgClient): Promise<void> {
  if (!touched.delete(client)) return;
  await client.query('DEALLOCATE ALL');
  const { connection } = client as unknown as { connection?: { parsedStatements?: Record<string, string> } };
  if (connection !== undefined) connection.parsedStatements = {};
}

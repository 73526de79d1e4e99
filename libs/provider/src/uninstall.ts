import type { Queryable } from '@millrace/postgres';
import { inSchemaTransaction } from './schema-transaction.ts';
import { readSqlFile } from './sql-files.ts';

/**
 * Removes everything of the provider from this database: triggers, functions, tables, schema `pgq` if it is ours,
 * schema `millrace` unless a subscriber's part is in it, and the roles that nothing else depends on. Rows of the
 * application stay. Does nothing where nothing is installed. Throws PERMISSION, DATABASE_BUSY, DATABASE_REFUSED.
 */
export async function uninstallProvider(client: Queryable): Promise<void> {
  const sql = await readSqlFile('uninstall.sql');
  await inSchemaTransaction(client, 'removing the provider', async () => {
    await client.query(sql);
  });
}

/** Whether schema millrace of a provider is here. */
export async function isProviderInstalled(client: Queryable): Promise<boolean> {
  const result = await client.query(
    `SELECT pg_catalog.to_regclass('millrace.provider_migration') IS NOT NULL AS installed`,
  );
  return result.rows[0].installed === true;
}

import { uninstallPgqExt } from '@millrace/pgq-ext';
import type { Queryable } from '@millrace/postgres';
import { inSchemaTransaction } from './schema-transaction.ts';
import { readSqlFile } from './sql-files.ts';

/**
 * Removes everything of the provider from this database: triggers, functions, tables, schemas `pgq`, `pgq_coop`
 * and `pgq_ext` if they are ours, schema `millrace` unless a subscriber's part is in it, and the roles that nothing else depends on. Rows of the
 * application stay. Does nothing where nothing is installed. Throws PERMISSION, DATABASE_BUSY, DATABASE_REFUSED.
 */
export async function uninstallProvider(client: Queryable): Promise<void> {
  const sql = await readSqlFile('uninstall.sql');
  await inSchemaTransaction(client, 'removing the provider', async () => {
    // Before the roles, which have rights in it; a subscriber in this database keeps it.
    const other = await client.query(
      `SELECT pg_catalog.to_regclass('millrace.subscriber_migration') IS NOT NULL AS here`,
    );
    if (!other.rows[0].here) await uninstallPgqExt(client);
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

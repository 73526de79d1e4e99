import { fileURLToPath } from 'node:url';
import { codes, MillraceError } from '@millrace/errors';
import { installPgqExt, uninstallPgqExt } from '@millrace/pgq-ext';
import {
  installLocks,
  lockSchema,
  migrate,
  type PgClient,
  type Queryable,
  readSqlFolder,
  refuseForeignSchema,
  sqlstateOf,
  statementError,
  uninstallLocks,
  withTransaction,
} from '@millrace/postgres';
import { dropAllCopyStages } from './follow/copy-stage.ts';

const migrationFolder = fileURLToPath(new URL('../sql/migrations/', import.meta.url));
const functionFolder = fileURLToPath(new URL('../sql/functions/', import.meta.url));

/** Functions that only other functions of this schema call. */
const inner = 'millrace.token_parts(text, regclass[]), millrace.token_lack(jsonb, regclass[])';

/** The tables this package owns, in an order in which they can be dropped. `audit` is shared with a provider. */
const ownTables = [
  'copy_part',
  'pending',
  'source_column',
  'subscribed_table',
  'subscribed_sequence',
  'position',
  'control',
  'replay_report',
  'refused_message',
  'hold',
  'subscriber_migration',
] as const;

/**
 * Brings the subscriber's part of schema millrace to the newest version, functions always as they are now. Repeatable, and safe when several run concurrently:
 * the second waits for the first. Returns the versions applied now. Throws NOT_REPLICABLE for a schema of another role's,
 * PERMISSION, DATABASE_REFUSED.
 */
export async function installSubscriber(client: PgClient): Promise<number[]> {
  const migrations = await readSqlFolder(migrationFolder);
  const functions = await readSqlFolder(functionFolder);
  try {
    return await withTransaction(client, async () => {
      await client.query('SET LOCAL search_path = pg_catalog, pg_temp');
      await client.query('CREATE SCHEMA IF NOT EXISTS millrace');
      await lockSchema(client);
      await refuseForeignSchema(client);
      await client.query(`CREATE TABLE IF NOT EXISTS millrace.subscriber_migration (
        version integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())`);
      const applied = await migrate(client, 'millrace.subscriber_migration', migrations);
      for (const { sql } of functions) await client.query(sql);
      await client.query(`REVOKE ALL ON FUNCTION ${inner} FROM PUBLIC`);
      await installLocks(client);
      await installPgqExt(client);
      return applied;
    });
  } catch (error) {
    // A provider's installer may have made the schema or the shared table in the same moment: it is there now.
    // 3F000: it was dropped while this one waited for it.
    if (['23505', '42P06', '42P07', '3F000'].includes(sqlstateOf(error) ?? '')) return installSubscriber(client);
    throw statementError(error, 'installing the subscriber schema');
  }
}

/** Drops our tables and functions, the shared audit table when no provider is left, and the schema when it is empty. */
export async function uninstallSubscriber(client: PgClient): Promise<void> {
  try {
    await withTransaction(client, async () => {
      await lockSchema(client);
      await dropAllCopyStages(client);
      for (const table of ownTables) await client.query(`DROP TABLE IF EXISTS millrace.${table}`);
      if (!(await exists(client, 'millrace'))) return;
      await client.query(`DROP FUNCTION IF EXISTS millrace.note_subscriber_wish(), millrace.tell_subscriber_wish(),
        millrace.wait_for(text, interval, regclass[]), millrace.snapshot_includes(pg_snapshot, pg_snapshot), ${inner}`);
      if (!(await exists(client, 'millrace', 'provider_migration'))) {
        await client.query('DROP TABLE IF EXISTS millrace.audit');
        await uninstallLocks(client);
        await uninstallPgqExt(client);
      }
      if (await isEmpty(client)) await client.query('DROP SCHEMA IF EXISTS millrace');
    });
  } catch (error) {
    // Another session dropped the schema while this one waited for it.
    if (sqlstateOf(error) === '3F000') return uninstallSubscriber(client);
    throw statementError(error, 'removing the subscriber schema');
  }
}

/** Whether schema millrace of a subscriber is here, of any version. */
export function isSubscriberInstalled(client: Queryable): Promise<boolean> {
  return exists(client, 'millrace', 'subscriber_migration');
}

/** Throws NOT_INSTALLED unless the schema is there in the version this program knows. */
export async function requireInstalled(client: Queryable): Promise<void> {
  const wanted = (await readSqlFolder(migrationFolder)).at(-1)?.version ?? 0;
  const advice = 'run `millrace install`';
  if (!(await isSubscriberInstalled(client))) {
    throw new MillraceError(codes.NOT_INSTALLED, 'the subscriber schema is not installed in this database', { advice });
  }
  const found = await client.query('SELECT max(version) AS version FROM millrace.subscriber_migration');
  const version = Number(found.rows[0]?.version ?? 0);
  if (version === wanted) return;
  const side = version < wanted ? 'older' : 'newer';
  throw new MillraceError(
    codes.NOT_INSTALLED,
    `the subscriber schema is ${side} (${version}) than this program (${wanted})`,
    {
      advice: version < wanted ? advice : 'use a newer Millrace',
    },
  );
}

async function exists(client: Queryable, schema: string, table?: string): Promise<boolean> {
  const sql =
    table === undefined
      ? 'SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = $1'
      : `SELECT 1 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = $1 AND c.relname = $2`;
  return ((await client.query(sql, table === undefined ? [schema] : [schema, table])).rowCount ?? 0) > 0;
}

async function isEmpty(client: Queryable): Promise<boolean> {
  const found = await client.query(`SELECT 1 FROM pg_catalog.pg_namespace n WHERE n.nspname = 'millrace' AND (
      EXISTS (SELECT 1 FROM pg_catalog.pg_class c WHERE c.relnamespace = n.oid)
      OR EXISTS (SELECT 1 FROM pg_catalog.pg_proc p WHERE p.pronamespace = n.oid)
      OR EXISTS (SELECT 1 FROM pg_catalog.pg_type t WHERE t.typnamespace = n.oid))`);
  return found.rowCount === 0;
}

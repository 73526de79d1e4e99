// Locks of schema millrace that only our roles can hold (sql/locks), for providers and subscribers alike: both may be one database.
import { fileURLToPath } from 'node:url';
import { codes, MillraceError } from '@millrace/errors';
import type { Queryable } from '../client.ts';
import { sqlstateOf } from '../database-error.ts';
import { readSqlFolder } from './migrate.ts';

const folder = fileURLToPath(new URL('../../sql/locks/', import.meta.url));

/** How long an installer waits for another one. */
const installWait = '30s';

/** Makes the tables and functions, or brings them up to date. In a transaction of an installer, after the table `audit`. */
export async function installLocks(client: Queryable): Promise<void> {
  for (const { sql } of await readSqlFolder(folder)) await client.query(sql);
}

/** Removes them. Only where neither a provider nor a subscriber is left. */
export async function uninstallLocks(client: Queryable): Promise<void> {
  await client.query(`DROP FUNCTION IF EXISTS millrace.request_lock(text), millrace.lock_row(text, text),
    millrace.may_hold_lock(text, oid), millrace.lock_holder(bigint)`);
  await client.query('DROP TABLE IF EXISTS millrace.session_lock, millrace.row_lock');
}

/**
 * One installer at a time in a database, whatever part it installs: a comment on the schema, which only its owner may write, locks
 * it until the transaction ends. Does nothing where there is no such schema, or another role's. Throws DATABASE_BUSY after 30 s, and the driver's errors.
 */
export async function lockSchema(client: Queryable): Promise<void> {
  const found = await client.query(`SELECT pg_catalog.current_setting('lock_timeout') AS usual,
      coalesce(pg_catalog.obj_description(n.oid, 'pg_namespace'), '') AS comment
    FROM pg_catalog.pg_namespace n WHERE n.nspname = 'millrace' AND pg_catalog.pg_has_role(n.nspowner, 'USAGE')`);
  if (found.rows.length === 0) return;
  const { usual, comment } = found.rows[0] as { usual: string; comment: string };
  await client.query(`SELECT pg_catalog.set_config('lock_timeout', '${installWait}', true)`);
  try {
    await client.query(`COMMENT ON SCHEMA millrace IS '${comment.replaceAll("'", "''")}'`);
  } catch (error) {
    if (sqlstateOf(error) !== '55P03') throw error;
    throw new MillraceError(
      codes.DATABASE_BUSY,
      `another installation holds schema millrace for more than ${installWait}`,
      {
        advice: "see which with SELECT * FROM pg_locks WHERE classid = 'pg_namespace'::regclass",
        cause: error,
      },
    );
  }
  await client.query("SELECT pg_catalog.set_config('lock_timeout', $1, true)", [usual]);
}

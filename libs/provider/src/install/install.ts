import { codes, MillraceError } from '@millrace/errors';
import { installPgqExt } from '@millrace/pgq-ext';
import { installLocks, migrate, type Queryable, readSqlFolder, refuseForeignSchema } from '@millrace/postgres';
import { inSchemaTransaction } from './schema-transaction.ts';
import { readSqlFile, readSqlFiles, sqlFolder } from './sql-files.ts';
import { readTemplates } from './templates.ts';

/** Functions, in the order in which they are made; within a folder in the order of their names. */
const codeFolders = [
  ...(['functions', 'payload', 'coop'] as const),
  ...(['triggers/describe', 'triggers/generate', 'triggers/run', 'triggers/registry'] as const),
];

/** What an installation did. */
export interface InstalledProvider {
  /** Migrations applied now; empty when the schema was up to date. */
  readonly migrations: readonly number[];
  /** ours: schema pgq is Millrace's; extension: the server's own pgq extension is used. */
  readonly pgq: 'ours' | 'extension';
}

/** Distinguishes functions of this installation from other objects in the same schemas. */
const mark = 'Millrace provider';

/**
 * Installs or updates schemas `pgq` and `millrace` at the provider: numbered migrations, then all functions as they are
 * now, then roles and rights. Repeatable; any number of sessions may do it at once. Needs CREATE on the database and a
 * session of its own (it opens a transaction). Throws NOT_REPLICABLE for a server that cannot be a provider, PERMISSION,
 * DATABASE_REFUSED.
 */
export async function installProvider(client: Queryable): Promise<InstalledProvider> {
  const migrations = await readSqlFolder(`${sqlFolder}migrations`);
  const code = [await readTemplates(), ...(await Promise.all(codeFolders.map(readSqlFiles))).flat()];
  const grants = await readSqlFile('grants.sql');
  return inSchemaTransaction(client, 'installing the provider', async () => {
    await refuseOldServer(client);
    await makeLedger(client);
    const pgq = await whosePgq(client);
    const isPgq = (name: string) => pgq === 'extension' && /(^|_)pgq[._]/.test(name);
    const applied = await migrate(
      client,
      'millrace.provider_migration',
      migrations.filter((m) => !isPgq(m.name)),
    );
    await installLocks(client);
    // No queue is made or dropped meanwhile: both write insert_event again. Versions before took no lock of a row.
    await client.query(`SELECT millrace.lock_row('queues', 'making or dropping a queue')`);
    if (pgq === 'ours') await client.query('LOCK TABLE pgq.queue IN SHARE ROW EXCLUSIVE MODE');
    await client.query(
      code
        .filter((file) => !isPgq(file.name))
        .map((file) => file.sql)
        .join('\n'),
    );
    await client.query('SELECT millrace.make_probe(s.queue_id) FROM millrace.set s');
    if (pgq === 'ours') await client.query('SELECT pgq.write_insert(), pgq.rewrite_triggers()');
    await settleFunctions(client);
    await client.query(grants);
    await installPgqExt(client);
    return { migrations: applied, pgq };
  });
}

async function refuseOldServer(client: Queryable): Promise<void> {
  const result = await client.query(`SELECT pg_catalog.current_setting('server_version_num')::int AS version`);
  if (result.rows[0].version >= 140_000) return;
  throw new MillraceError(codes.NOT_REPLICABLE, `the provider's PostgreSQL is older than 14`, {
    advice: 'use PostgreSQL 14 or later',
  });
}

async function makeLedger(client: Queryable): Promise<void> {
  await client.query(`CREATE SCHEMA IF NOT EXISTS millrace`);
  await refuseForeignSchema(client);
  await client.query(`CREATE TABLE IF NOT EXISTS millrace.provider_migration (
    version integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())`);
}

/** A schema pgq that is neither the extension's nor ours is somebody's queue: it is not touched. */
async function whosePgq(client: Queryable): Promise<'ours' | 'extension'> {
  const result = await client.query(`SELECT
    (SELECT extowner::regrole::text FROM pg_extension WHERE extname = 'pgq') AS extension,
    (SELECT pg_has_role(extowner, 'USAGE') FROM pg_extension WHERE extname = 'pgq') AS may_use,
    EXISTS (SELECT FROM pg_namespace WHERE nspname = 'pgq') AS schema,
    EXISTS (SELECT FROM millrace.provider_migration WHERE version = 1) AS ours`);
  const found = result.rows[0] as { extension: string | null; may_use: boolean; schema: boolean; ours: boolean };
  if (found.extension !== null && !found.may_use) {
    // Its functions make a queue's sequences as their owner, and give nobody a right to them.
    throw new MillraceError(
      codes.PERMISSION,
      `the extension pgq belongs to ${found.extension}, and so do the queues in it`,
      {
        advice: `install as ${found.extension}; the services need no more than roles millrace_ticker and millrace_capture with pgq_admin`,
      },
    );
  }
  if (found.extension !== null) return 'extension';
  if (found.schema && !found.ours) {
    throw new MillraceError(codes.NOT_REPLICABLE, 'the database has a schema pgq that is not of Millrace', {
      advice: 'install the pgq extension there, or rename that schema',
    });
  }
  return 'ours';
}

/** Marks the functions this transaction wrote, and drops marked ones that it did not: they are of an older version. */
async function settleFunctions(client: Queryable): Promise<void> {
  await client.query(`DO $settle$
    DECLARE
      v_func record;
    BEGIN
      FOR v_func IN
        SELECT p.oid::regprocedure AS name, d.description,
               p.xmin = pg_current_xact_id()::xid AS fresh
        FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
        LEFT JOIN pg_description d ON d.objoid = p.oid AND d.classoid = 'pg_proc'::regclass
        WHERE n.nspname IN ('pgq', 'pgq_coop', 'millrace')
          -- trigger functions in millrace, and in pgq those of pgq.write_trigger, are made for tables, not by this installation
          AND NOT (p.prorettype = 'trigger'::regtype AND (n.nspname = 'millrace' OR starts_with(p.proname, 'payload_')))
      LOOP
        IF v_func.fresh AND v_func.description IS NULL THEN
          EXECUTE format('COMMENT ON FUNCTION %s IS %L', v_func.name, '${mark}');
        ELSIF NOT v_func.fresh AND v_func.description = '${mark}' THEN
          EXECUTE format('DROP FUNCTION %s', v_func.name);
        END IF;
      END LOOP;
    END $settle$`);
}

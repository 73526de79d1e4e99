import { randomBytes } from 'node:crypto';
import { inject, onTestFinished } from 'vitest';
import { withClient } from './query.ts';
import './shared-servers.ts';

/** A database of one test on a server that all tests of the run share. */
export interface TestDatabase {
  /** Superuser URL. */
  readonly url: string;
  readonly name: string;
  /** Drops the database, ending its sessions, prepared transactions and slots. */
  drop(): Promise<void>;
}

/** Superuser URL of the database `postgres` on the shared server of a version (15 or 18). */
export function sharedPostgresUrl(major = 18): string {
  const url = inject('millraceServers').postgres[major];
  if (url === undefined) throw new Error(`no shared PostgreSQL ${major} in this run`);
  return url;
}

/** URL of the nats-server that all tests of the run share; use `uniqueName` for queues so that tests stay apart. */
export function sharedNatsUrl(): string {
  return inject('millraceServers').nats;
}

/**
 * Creates an empty database. Roles belong to the server, not to the database: a test that drops roles (uninstall)
 * needs a server of its own. Made inside a test it is dropped when the test ends; made in a hook the caller drops it
 * or leaves it to the end of the run.
 */
export async function createDatabase(options: { major?: number; cleanUp?: boolean } = {}): Promise<TestDatabase> {
  const server = sharedPostgresUrl(options.major);
  const name = `t_${randomBytes(6).toString('hex')}`;
  await withClient(server, (client) => client.query(`CREATE DATABASE ${name} TEMPLATE template0 STRATEGY file_copy`));
  const url = new URL(server);
  url.pathname = `/${name}`;
  const database: TestDatabase = { url: url.href, name, drop: () => dropDatabase(server, url.href, name) };
  if (options.cleanUp !== false) whenTestFinishes(() => database.drop());
  return database;
}

async function dropDatabase(server: string, url: string, name: string): Promise<void> {
  await withClient(server, async (client) => {
    const found = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [name]);
    if (found.rowCount === 0) return;
    await withClient(url, async (inside) => {
      const prepared = await inside.query<{ gid: string }>(
        'SELECT gid FROM pg_prepared_xacts WHERE database = current_database()',
      );
      for (const { gid } of prepared.rows) await inside.query(`ROLLBACK PREPARED ${inside.escapeLiteral(gid)}`);
    });
    const slots = 'SELECT slot_name, active_pid FROM pg_replication_slots WHERE database = $1';
    await client.query(`SELECT pg_terminate_backend(active_pid, 5000) FROM (${slots}) s WHERE active_pid IS NOT NULL`, [
      name,
    ]);
    await client.query(`SELECT pg_drop_replication_slot(slot_name) FROM (${slots}) s`, [name]);
    await client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
  });
}

/** Registers a clean-up if a test is running; in hooks and helpers outside a test there is nothing to register with. */
export function whenTestFinishes(cleanUp: () => Promise<void>): void {
  try {
    onTestFinished(cleanUp);
  } catch {
    // Not inside a test.
  }
}

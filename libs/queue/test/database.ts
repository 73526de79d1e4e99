import { installPgqExt } from '@millrace/pgq-ext';
import { installProvider } from '@millrace/provider';
import { createDatabase, uniqueName, withClient } from '@millrace/testkit';
import pg from 'pg';
import { onTestFinished } from 'vitest';

/** A database with our schemas, and what a test does with it. */
export interface QueueDatabase {
  readonly url: string;
  readonly name: string;
  /** A pool that ends with the test. */
  pool(): pg.Pool;
  /** Makes every queue's tick, whether or not one is due. */
  tick(): Promise<void>;
  /** Moves what is to be retried, due or not, and ticks. */
  retryNow(): Promise<void>;
  query(sql: string, params?: unknown[]): Promise<pg.QueryResult>;
}

export async function queueDatabase(major = 18): Promise<QueueDatabase> {
  const database = await createDatabase({ major });
  await withClient(database.url, async (client) => {
    await installProvider(client);
  });
  const own = openPool(database.url);
  const query = (sql: string, params: unknown[] = []) => own.query(sql, params);
  const tick = async () => {
    await query(`SELECT pgq.force_tick(queue_name) FROM pgq.queue`);
    await query('SELECT pgq.ticker()');
  };
  return {
    url: database.url,
    name: uniqueName(),
    pool: () => openPool(database.url),
    tick,
    query,
    async retryNow() {
      await query(`UPDATE pgq.retry_queue SET ev_retry_after = now()`);
      while ((await query('SELECT pgq.maint_retry_events() AS n')).rows[0].n > 0);
      await tick();
    },
  };
}

/** A database that has pgq_ext only. */
export async function targetDatabase(major = 18): Promise<{ readonly url: string; pool(): pg.Pool }> {
  const database = await createDatabase({ major });
  await withClient(database.url, (client) => installPgqExt(client));
  return { url: database.url, pool: () => openPool(database.url) };
}

function openPool(url: string): pg.Pool {
  const pool = new pg.Pool({ connectionString: url, max: 10 });
  // A test that ends a server's sessions ends idle ones too.
  pool.on('error', () => {});
  onTestFinished(() => pool.end());
  return pool;
}

import { setTimeout as delay } from 'node:timers/promises';
import { lockSchema, type Queryable, sqlstateOf, statementError, withTransaction } from '@millrace/postgres';

/**
 * Settings under which our DDL means the same whatever the role, database or session prefers. Limits on time are lifted:
 * an installation that waits for another one must not fail for it (locks on tables: see lockTimeout).
 */
const settings: Readonly<Record<string, string>> = {
  search_path: 'pg_catalog, pg_temp',
  quote_all_identifiers: 'off',
  standard_conforming_strings: 'on',
  check_function_bodies: 'on',
  default_tablespace: '',
  default_table_access_method: 'heap',
  row_security: 'on',
  transform_null_equals: 'off',
  statement_timeout: '0',
  lock_timeout: '0',
  idle_in_transaction_session_timeout: '0',
  client_min_messages: 'warning',
  DateStyle: 'ISO, YMD',
  IntervalStyle: 'postgres',
  synchronous_commit: 'on',
};

/** What two sessions that make or drop the same objects or roles may get; the loser tries again and finds the work done. */
const raced = new Set([
  '3F000',
  '42704',
  '23505',
  '42P06',
  '42P07',
  '42710',
  '42723',
  '40P01',
  '40001',
  'XX000',
  '55P03',
]);

/**
 * Longest wait for a lock on a table: the application queues behind whoever waits for an exclusive one. Then all is
 * rolled back and tried again a little later.
 */
const lockTimeout = '500ms';

/** Longest run of losing a race, or of not getting a lock, before it is called a failure. */
const attempts = 20;

/** Runs DDL in one transaction, alone among installers, and again when it lost a race. */
export async function inSchemaTransaction<T>(client: Queryable, doing: string, work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await withTransaction(
        client,
        async () => {
          await pin(client);
          await lockSchema(client);
          await client.query("SELECT pg_catalog.set_config('lock_timeout', $1, true)", [lockTimeout]);
          return await work();
        },
        'BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE',
      );
    } catch (error) {
      if (attempt >= attempts || !raced.has(sqlstateOf(error) ?? '')) throw statementError(error, doing);
      await delay(20 * attempt * (1 + Math.random()));
    }
  }
}

async function pin(client: Queryable): Promise<void> {
  await client.query(
    'SELECT pg_catalog.set_config(s.key, s.value, true) FROM pg_catalog.jsonb_each_text($1::pg_catalog.jsonb) AS s',
    [JSON.stringify(settings)],
  );
}

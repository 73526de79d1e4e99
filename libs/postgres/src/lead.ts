import { type ConnectOptions, connect, disconnect, type PgClient, type Queryable } from './connect.ts';
import { databaseError } from './database-error.ts';

/**
 * Tries to become the one leader for `key`. The lead lasts as long as the session: a dead process loses it at once,
 * a frozen one keeps it, so what a leader does must be fenced as well.
 */
export async function tryLead(client: Queryable, key: string): Promise<boolean> {
  const result = await client.query('SELECT pg_try_advisory_lock(hashtextextended($1, 7717)) AS won', [
    `millrace:${key}`,
  ]);
  return result.rows[0]?.won === true;
}

/** Opens a session, runs `work`, closes it. */
export async function inSession<T>(
  url: string,
  options: ConnectOptions,
  work: (client: PgClient) => Promise<T>,
): Promise<T> {
  const client = await connect(url, options);
  try {
    return await work(client);
  } catch (error) {
    throw databaseError(error, options.applicationName);
  } finally {
    await disconnect(client);
  }
}

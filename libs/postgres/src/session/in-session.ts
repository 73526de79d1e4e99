import type { PgClient } from '../client.ts';
import { statementError } from '../database-error.ts';
import { type ConnectOptions, connect, disconnect } from './connect.ts';

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
    throw statementError(error, options.applicationName);
  } finally {
    await disconnect(client);
  }
}

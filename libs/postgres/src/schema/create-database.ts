import type { Queryable } from '../client.ts';
import { sqlstateOf } from '../database-error.ts';
import { quoteIdent } from '../quote.ts';

const duplicateDatabase = '42P04';

/** Makes a database; one that is there stays. Throws the driver's errors. */
export async function createDatabase(client: Queryable, name: string): Promise<void> {
  try {
    await client.query(`CREATE DATABASE ${quoteIdent(name)}`);
  } catch (error) {
    if (sqlstateOf(error) !== duplicateDatabase) throw error;
  }
}

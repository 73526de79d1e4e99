import type { Queryable } from '../client.ts';
import { statementError } from '../database-error.ts';

const answerMs = 10_000;

/**
 * Sets server settings for the rest of the session, in one round trip: `{ statement_timeout: '10s' }`. Those that this
 * server's version does not have are passed over. A server that does not answer is not waited for longer than 10 s.
 */
export async function applySettings(client: Queryable, settings: Readonly<Record<string, string>>): Promise<void> {
  const names = Object.keys(settings);
  const text = `SELECT pg_catalog.set_config(name, value, false) FROM unnest($1::text[], $2::text[]) AS s (name, value)
    WHERE pg_catalog.current_setting(name, true) IS NOT NULL`;
  const values = [names, names.map((name) => settings[name])];
  try {
    await client.query({ text, values, query_timeout: answerMs } as { text: string; values: unknown[] });
  } catch (error) {
    throw statementError(error, 'setting up a session');
  }
}

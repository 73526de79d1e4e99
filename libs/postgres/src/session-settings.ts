import type { Queryable } from './connect.ts';
import { databaseError } from './database-error.ts';

/** Sets server settings for the rest of the session, in one round trip: `{ statement_timeout: '10s' }`. */
export async function applySettings(client: Queryable, settings: Readonly<Record<string, string>>): Promise<void> {
  const names = Object.keys(settings);
  try {
    await client.query(
      `SELECT pg_catalog.set_config(name, value, false) FROM unnest($1::text[], $2::text[]) AS s (name, value)`,
      [names, names.map((name) => settings[name])],
    );
  } catch (error) {
    throw databaseError(error, 'setting up a session');
  }
}

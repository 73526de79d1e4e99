import type { Queryable } from './connect.ts';

/**
 * Settings under which text output and input of every type are each other's inverse. Both ends of the flow use these,
 * whatever the role, the database or the session prefers.
 */
export const pinnedSettings: Readonly<Record<string, string>> = {
  DateStyle: 'ISO, YMD',
  IntervalStyle: 'postgres',
  TimeZone: 'UTC',
  extra_float_digits: '1',
  bytea_output: 'hex',
  lc_monetary: 'C',
  xmloption: 'content',
  search_path: 'pg_catalog, pg_temp',
  client_encoding: 'UTF8',
};

/** Pins them for the session. */
export async function pinSettings(client: Queryable): Promise<void> {
  const names = Object.keys(pinnedSettings);
  await client.query('SELECT set_config(n, v, false) FROM unnest($1::text[], $2::text[]) AS s(n, v)', [
    names,
    Object.values(pinnedSettings),
  ]);
}

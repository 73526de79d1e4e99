import type { Queryable } from '../client.ts';
import { applySettings } from './session-settings.ts';

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
  // Off, the NULL in an array's text would become the word.
  array_nulls: 'on',
  search_path: 'pg_catalog, pg_temp',
  client_encoding: 'UTF8',
};

/**
 * Settings that would make a statement of ours fail, a session end, or a function of others run as us, where the role, the
 * database or the server's file prefers otherwise: the path of unqualified names, the kind of a transaction, and the limits of
 * time. Whoever wants a limit sets it after these.
 */
export const neutralSettings: Readonly<Record<string, string>> = {
  // A function in another schema may fit a call better than the server's own.
  search_path: 'pg_catalog, pg_temp',
  default_transaction_isolation: 'read committed',
  default_transaction_read_only: 'off',
  default_transaction_deferrable: 'off',
  statement_timeout: '0',
  lock_timeout: '0',
  idle_in_transaction_session_timeout: '0',
  idle_session_timeout: '0',
  // PostgreSQL 17 and later.
  transaction_timeout: '0',
};

/** Pins both kinds for the session, in one round trip. Call it outside a transaction. */
export async function pinSettings(client: Queryable): Promise<void> {
  await applySettings(client, { ...pinnedSettings, ...neutralSettings });
}

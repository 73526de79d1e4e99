import { codes, MillraceError } from '@millrace/errors';
import {
  connect,
  disconnect,
  neutralSettings,
  type PgClient,
  pinnedSettings,
  pinSettings,
  type Queryable,
  sqlstateOf,
  statementError,
} from '@millrace/postgres';
import { runQuery } from '../statements.ts';
import { forgetOwnerCode } from './owner-code.ts';

/** A session that applies changes. */
export interface ApplySession {
  readonly client: PgClient;
  /** False: foreign keys and triggers are on, because the role may not turn them off. */
  readonly replica: boolean;
  readonly lost: Promise<unknown>;
  /** Statements that set all this again, after code of others ran in the session. */
  readonly pins: string;
}

/** Beside the settings that both ends pin: no setting of the role or database may change what a statement does. */
const ownSettings: Readonly<Record<string, string>> = {
  synchronous_commit: 'on',
  row_security: 'off',
  statement_timeout: '0',
  idle_in_transaction_session_timeout: '0',
  lock_timeout: '15s',
  default_transaction_isolation: 'read committed',
  default_transaction_read_only: 'off',
  default_transaction_deferrable: 'off',
  standard_conforming_strings: 'on',
  transform_null_equals: 'off',
  jit: 'off',
  plan_cache_mode: 'force_generic_plan',
  work_mem: '64MB',
  temp_buffers: '32MB',
};

// For plans that are made once and kept while tables grow: always by the key's index.
const fewRowsPlans =
  "SELECT set_config(n, 'off', false) FROM unnest('{enable_seqscan,enable_hashjoin,enable_mergejoin}'::text[]) n";

// For one large set, until the end of the transaction.
const manyRowsPlans =
  "SELECT set_config(n, 'on', true) FROM unnest('{enable_seqscan,enable_hashjoin,enable_mergejoin}'::text[]) n";

/** Opens a session for applying. Throws DATABASE_UNREACHABLE and the like. */
export async function openApplySession(
  url: string,
  applicationName: string,
  more: Readonly<Record<string, string>> = {},
): Promise<ApplySession> {
  const settings = { ...ownSettings, ...more };
  const { promise: lost, resolve } = Promise.withResolvers<unknown>();
  const client = await connect(url, { applicationName, onLost: resolve });
  client.once('end', resolve);
  try {
    await pinSettings(client);
    await client.query('SELECT set_config(n, v, false) FROM unnest($1::text[], $2::text[]) AS s(n, v)', [
      Object.keys(settings),
      Object.values(settings),
    ]);
    await client.query(fewRowsPlans);
    const isTerse = await beTerse(client);
    const replica = await becomeReplica(client);
    return {
      client,
      replica,
      lost,
      pins: pinsSql(client, settings, { isTerse, replica }),
    };
  } catch (error) {
    await disconnect(client);
    throw statementError(error, 'opening a session of replay');
  }
}

/** Until the end of the transaction statements are planned for one large set. */
export async function planForManyRows(client: Queryable): Promise<void> {
  await client.query(manyRowsPlans);
}

/** Begins a transaction, for callers that send several statements together. */
export const beginSql = 'BEGIN';

/** Commits. Throws the server's error unchanged, INTERNAL when the server rolled back without an error. */
export async function commit(client: PgClient): Promise<void> {
  const done = await client.query('COMMIT');
  if (done.command === 'COMMIT') return;
  throw new MillraceError(codes.INTERNAL, 'the server rolled back a transaction that was to be committed');
}

/** Ends an open transaction whatever its state; throws DATABASE_UNREACHABLE when the session is gone. */
export async function rollBack(client: PgClient): Promise<void> {
  try {
    await client.query('ROLLBACK');
    await forgetOwnerCode(client);
  } catch (error) {
    throw new MillraceError(codes.DATABASE_UNREACHABLE, 'the session was lost inside a transaction', { cause: error });
  }
}

/** The sentence for an operator whose replay may not turn foreign keys off. */
export const replicaAdvice =
  'the replay role may not set session_replication_role: foreign keys and triggers stay on and tables are applied in ' +
  'foreign-key order, slower and not for every change; GRANT SET ON PARAMETER session_replication_role TO the role ' +
  '(PostgreSQL 15 and later)';

/** Where the role may, the server's log gets no DETAIL and CONTEXT of refused rows, which hold their values. PostgreSQL 15 and later. */
async function beTerse(client: PgClient): Promise<boolean> {
  const { rows } = await client.query("SELECT current_setting('server_version_num')::int >= 150000 AS may");
  return rows[0]?.may === true && (await runQuery(client, 'be_terse')).length === 1;
}

/** Statements that set all this again. The first of them frees the others from whatever path of names was set. */
export function pinsSql(
  client: PgClient,
  settings: Readonly<Record<string, string>>,
  { isTerse, replica }: { isTerse: boolean; replica: boolean },
): string {
  const values = Object.entries({ ...pinnedSettings, ...neutralSettings, ...settings }).map(
    ([name, value]) => `(${client.escapeLiteral(name)}, ${client.escapeLiteral(value)})`,
  );
  return [
    'SET search_path = pg_catalog, pg_temp',
    `SELECT count(set_config(n, v, false)) FROM (VALUES ${values.join(', ')}) AS s(n, v) WHERE current_setting(n, true) IS NOT NULL`,
    ...(replica ? ['SET session_replication_role = replica'] : []),
    ...(isTerse ? ['SET log_error_verbosity = terse'] : []),
  ].join('; ');
}

const insufficientPrivilege = '42501';

/** Turns triggers and foreign keys off for the session; false when the role may not. Outside transactions. */
export async function becomeReplica(client: PgClient): Promise<boolean> {
  try {
    await client.query('SET session_replication_role = replica');
    return true;
  } catch (error) {
    if (sqlstateOf(error) === insufficientPrivilege) return false;
    throw error;
  }
}

/** Whether `becomeReplica` would succeed; the session is unchanged. Throws the driver's errors. */
export async function mayBeReplica(client: Queryable): Promise<boolean> {
  try {
    await runQuery(client, 'try_replica');
    return true;
  } catch (error) {
    if (sqlstateOf(error) === insufficientPrivilege) return false;
    throw error;
  }
}

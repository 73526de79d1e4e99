import type { TableName } from '@millrace/model';
import { disconnect, type PgClient, quoteTable } from '@millrace/postgres';
import { notifyDesiredStateSql } from '../desired-state.ts';
import { providerError, query, queryOne } from '../query.ts';
import { type MadeTick, madeTick, madeTickSql } from './ticks.ts';

/** A tick and a session that sees every table exactly as of it. */
export interface PinnedTick extends MadeTick {
  /** For `SET TRANSACTION SNAPSHOT` in further sessions, as long as this one lives. */
  readonly snapshotId: string;
  /** In a REPEATABLE READ, READ ONLY transaction on that snapshot. */
  readonly client: PgClient;
  /** Ends the transaction and the session. Safe to call twice. */
  release(): Promise<void>;
}

/** A ticking process that freezes while it holds the lock is thrown out by the server after this long. */
const longestLock = '5s';
/** Longest wait for a table that is being altered; whoever wants the tick tries again. */
const longestWait = '5s';

/**
 * Makes a tick whose snapshot a second session keeps. Both sessions come from `connect`; the one that ticks is closed at
 * once. The order is what makes it right: lock, then snapshot, then tick; nobody else can tick in between. Throws as
 * `tick`, and what `connect` throws.
 *
 * `tables`: what is to be read as of the tick. They are locked (against being altered, not against being written) before the
 * snapshot is taken and until the release: ALTER TABLE and TRUNCATE leave no rows that an older snapshot could see, so a
 * reader that has its snapshot first and gets the table later finds it empty. Throws DATABASE_BUSY while one is being altered.
 *
 * `announce`: called with the tick when its number is certain and before anybody else can see it. Nobody ticks meanwhile: it must
 * be quick. When it throws there is no tick.
 */
export async function pinTick(
  connect: () => Promise<PgClient>,
  queue: string,
  tables: readonly TableName[] = [],
  announce: (tick: MadeTick) => Promise<void> = async () => {},
): Promise<PinnedTick> {
  let ticking: PgClient | undefined;
  const reading = await connect();
  try {
    // Nothing here may take the snapshot yet: SET and LOCK do not, any SELECT would.
    await query(reading, 'beginning', 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY', []);
    await query(reading, 'beginning', 'SET LOCAL idle_in_transaction_session_timeout = 0', []);
    await lockTables(reading, tables);
    ticking = await connect();
    await query(ticking, 'beginning', 'BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE', []);
    await query(ticking, 'beginning', `SET LOCAL idle_in_transaction_session_timeout = '${longestLock}'`, []);
    await queryOne(ticking, 'locking ticks', 'SELECT millrace.lock_ticks($1)', [queue]);
    const seen = await queryOne<{ id: string; snapshot: string }>(
      reading,
      'exporting a snapshot',
      'SELECT pg_catalog.pg_export_snapshot() AS id, pg_catalog.pg_current_snapshot()::text AS snapshot',
      [],
    );
    const sql = madeTickSql('millrace.insert_pinned_tick($1, $2::pg_catalog.pg_snapshot)');
    const made = madeTick(await queryOne(ticking, 'making a pinned tick', sql, [queue, seen.snapshot]));
    await announce(made);
    await query(ticking, 'making a pinned tick', notifyDesiredStateSql, [queue]);
    await query(ticking, 'making a pinned tick', 'COMMIT', []);
    return { ...made, snapshotId: seen.id, client: reading, release: () => disconnect(reading) };
  } catch (error) {
    await disconnect(reading);
    throw providerError(error, 'pinning a tick');
  } finally {
    await disconnect(ticking);
  }
}

/** One more session that sees what the pinned tick does, as long as that is not released. Throws what `connect` throws. */
export async function joinPinned(connect: () => Promise<PgClient>, { snapshotId }: PinnedTick): Promise<PgClient> {
  const client = await connect();
  try {
    await query(client, 'beginning', 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY', []);
    await query(client, 'beginning', 'SET LOCAL idle_in_transaction_session_timeout = 0', []);
    await query(client, 'joining a snapshot', `SET TRANSACTION SNAPSHOT '${snapshotId.replaceAll("'", "''")}'`, []);
    return client;
  } catch (error) {
    await disconnect(client);
    throw providerError(error, 'joining a snapshot');
  }
}

async function lockTables(client: PgClient, tables: readonly TableName[]): Promise<void> {
  if (tables.length === 0) return;
  await query(client, 'locking tables', `SET LOCAL lock_timeout = '${longestWait}'`, []);
  await query(client, 'locking tables', `LOCK TABLE ${tables.map(quoteTable).join(', ')} IN ACCESS SHARE MODE`, []);
  await query(client, 'locking tables', 'SET LOCAL lock_timeout = 0', []);
}

import type { PgClient } from '@millrace/postgres';
import { askOne, providerError } from './ask.ts';
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

/**
 * Makes a tick whose snapshot a second session keeps. Both sessions come from `connect`; the one that ticks is closed at
 * once. The order is what makes it right: lock, then snapshot, then tick; nobody else can tick in between. Throws as
 * `tick`, and what `connect` throws.
 */
export async function pinTick(connect: () => Promise<PgClient>, queue: string): Promise<PinnedTick> {
  const ticking = await connect();
  let reading: PgClient | undefined;
  try {
    await begin(ticking, 'BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE', longestLock);
    await askOne(ticking, 'locking ticks', 'SELECT millrace.lock_ticks($1)', [queue]);
    reading = await connect();
    await begin(reading, 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY', '0');
    const seen = await askOne<{ id: string; snapshot: string }>(
      reading,
      'exporting a snapshot',
      'SELECT pg_catalog.pg_export_snapshot() AS id, pg_catalog.pg_current_snapshot()::text AS snapshot',
      [],
    );
    const sql = madeTickSql('millrace.insert_pinned_tick($1, $2::pg_catalog.pg_snapshot)');
    const made = madeTick(await askOne(ticking, 'making a pinned tick', sql, [queue, seen.snapshot]));
    await ticking.query('COMMIT');
    return { ...made, snapshotId: seen.id, client: reading, release: releaser(reading) };
  } catch (error) {
    await reading?.end().catch(() => {});
    throw providerError(error, 'pinning a tick');
  } finally {
    await ticking.end().catch(() => {});
  }
}

async function begin(client: PgClient, sql: string, idleLimit: string): Promise<void> {
  await client.query(sql);
  await client.query(`SELECT pg_catalog.set_config('idle_in_transaction_session_timeout', $1, true)`, [idleLimit]);
}

function releaser(client: PgClient): () => Promise<void> {
  let released: Promise<void> | undefined;
  const release = async () => {
    await client.query('ROLLBACK').catch(() => {});
    await client.end().catch(() => {});
  };
  return () => {
    released ??= release();
    return released;
  };
}

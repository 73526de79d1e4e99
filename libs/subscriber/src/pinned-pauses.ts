import { safeInteger } from '@millrace/model';
import type { PgClient, Queryable } from '@millrace/postgres';

/** A wish that replay stops at a tick, exactly, until the wish is withdrawn. */
export interface PinnedPause {
  readonly id: number;
  readonly tick: number;
}

/** A session lock tells whether who wished it is still there: it goes with the session, however that ends. */
const lockKey = (id: string) => `hashtextextended('millrace:hold:' || ${id}, 7717)`;

/**
 * Asks replay to stop at `tick`. It must be asked before the tick can be seen by anybody: every transaction of replay that
 * reaches it then knows of the wish. Counts for `forMs` at most, and only as long as this session lives. Outside transactions.
 */
export async function pinPause(
  client: PgClient,
  { queue, tick, forMs }: { queue: string; tick: number; forMs: number },
): Promise<number> {
  await client.query('DELETE FROM millrace.hold WHERE queue = $1 AND until < clock_timestamp()', [queue]);
  const made = await client.query(
    `INSERT INTO millrace.hold (queue, tick, until)
     VALUES ($1, $2, clock_timestamp() + $3::float8 * interval '1 ms') RETURNING id`,
    [queue, tick, forMs],
  );
  const id = String(made.rows[0]?.id);
  await client.query(`SELECT pg_advisory_lock(${lockKey('$1::bigint')})`, [id]);
  return safeInteger(id);
}

/** Withdraws the wish; replay goes on at once. Repeating it changes nothing. */
export async function unpinPause(client: Queryable, id: number): Promise<void> {
  await client.query('DELETE FROM millrace.hold WHERE id = $1', [id]);
}

/** The wishes of a queue that count. */
export async function listPinnedPauses(client: Queryable, queue: string): Promise<PinnedPause[]> {
  const found = await client.query(
    'SELECT id, tick FROM millrace.hold WHERE queue = $1 AND until >= clock_timestamp() ORDER BY tick, id',
    [queue],
  );
  return found.rows.map((row) => ({ id: safeInteger(row.id), tick: safeInteger(row.tick) }));
}

/** Whether the wish still counts: it is there, in time, and the session that wished it lives. */
export async function isPausePinned(client: Queryable, id: number): Promise<boolean> {
  const found = await client.query(
    `SELECT FROM millrace.hold WHERE id = $1 AND until >= clock_timestamp()
       AND NOT pg_try_advisory_xact_lock_shared(${lockKey('id')})`,
    [id],
  );
  return found.rowCount === 1;
}

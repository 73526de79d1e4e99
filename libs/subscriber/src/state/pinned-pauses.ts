import { safeInteger } from '@millrace/model';
import type { PgClient, Queryable } from '@millrace/postgres';

/** Replay pauses at exactly this tick until the pause is unpinned. */
export interface PinnedPause {
  readonly id: number;
  readonly tick: number;
}

export interface PauseRequest {
  readonly queue: string;
  readonly tick: number;
  /** It is forgotten after this time, ms. */
  readonly forMs: number;
}

/** A session lock shows whether the session that pinned the pause lives: it is released however the session ends. */
const lockKey = (id: string) => `hashtextextended('millrace:hold:' || ${id}, 7717)`;

/**
 * Pins a pause at `tick`. Must be called before the tick is visible to anybody: then every transaction of replay that reaches it
 * knows of the pause. Counts no longer than `forMs`, and only as long as this session lives. Outside transactions.
 */
export async function pinPause(client: PgClient, { queue, tick, forMs }: PauseRequest): Promise<number> {
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

/** Replay continues immediately. Repeating it changes nothing. */
export async function unpinPause(client: Queryable, id: number): Promise<void> {
  await client.query('DELETE FROM millrace.hold WHERE id = $1', [id]);
}

/** The pauses of a queue that count. */
export async function listPinnedPauses(client: Queryable, queue: string): Promise<PinnedPause[]> {
  const found = await client.query(
    'SELECT id, tick FROM millrace.hold WHERE queue = $1 AND until >= clock_timestamp() ORDER BY tick, id',
    [queue],
  );
  return found.rows.map((row) => ({ id: safeInteger(row.id), tick: safeInteger(row.tick) }));
}

/** Whether the pause still counts: it is there, in time, and the session that pinned it lives. */
export async function isPausePinned(client: Queryable, id: number): Promise<boolean> {
  const found = await client.query(
    `SELECT FROM millrace.hold WHERE id = $1 AND until >= clock_timestamp()
       AND NOT pg_try_advisory_xact_lock_shared(${lockKey('id')})`,
    [id],
  );
  return found.rowCount === 1;
}

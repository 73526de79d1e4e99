import { type Position, safeInteger, type TableName } from '@millrace/model';
import type { Queryable } from '@millrace/postgres';
import { notifyDesiredState } from '../desired-state.ts';
import { isoTime, providerError, query, queryOne } from '../query.ts';
import { runQuery } from '../statements.ts';

/**
 * wanted: set by admin, waits for capture; copying: set by capture when it begins; done: set by capture when all is on
 * the bus durably; cancelled: set by admin, or when its last subscriber is unregistered.
 */
export type CopyState = 'wanted' | 'copying' | 'done' | 'cancelled';

/** A wish for a copy of a table, and its course. */
export interface CopyRequest {
  readonly copyId: number;
  readonly queue: string;
  readonly table: TableName;
  readonly subscribers: readonly string[];
  readonly state: CopyState;
  /** 0 before the first; each begin counts one on. */
  readonly attempt: number;
  /** The copy is the table exactly as of this tick; null before it is pinned. */
  readonly position: Position | null;
  readonly rows: number | null;
  readonly bytes: number | null;
  /** ISO time. */
  readonly changedAt: string;
}

interface CopyRow {
  copy_id: string;
  queue: string;
  schema_name: string;
  table_name: string;
  subscribers: string[];
  state: CopyState;
  attempt: number;
  tick: string | null;
  fingerprint: string | null;
  rows: string | null;
  bytes: string | null;
  changed_at: string;
}

const columns = `copy_id, queue, schema_name, table_name, subscribers, state, attempt, tick, fingerprint, rows, bytes,
  ${isoTime('changed_at')} AS changed_at`;

// Never given twice, not even by a provider that was restored or installed again: messages of an older copy may still be on the bus.
// Milliseconds with ten random bits behind them, above all that is known.
const nextId = `(SELECT greatest((extract(epoch FROM clock_timestamp()) * 1000)::bigint * 1024 + floor(random() * 1024)::bigint,
  max(copy_id) + 1) FROM millrace.copy_request)`;

/** Copies of a table for some subscribers. */
export interface CopyWish {
  readonly queue: string;
  readonly table: TableName;
  readonly subscribers: readonly string[];
}

/** Asks for a copy. Gives its id, larger than those before. Throws NOT_FOUND (set). */
export async function requestCopy(client: Queryable, wish: CopyWish): Promise<number> {
  const sql = `INSERT INTO millrace.copy_request (copy_id, queue, schema_name, table_name, subscribers)
    OVERRIDING SYSTEM VALUE VALUES (${nextId}, $1, $2, $3, $4) RETURNING copy_id, ${notifyDesiredState}`;
  const params = [wish.queue, wish.table.schema, wish.table.name, [...wish.subscribers]];
  return safeInteger((await queryOne<{ copy_id: string }>(client, 'asking for a copy', sql, params)).copy_id);
}

/** Copies wanted or under way, oldest first. */
export async function openCopyRequests(client: Queryable, queue: string): Promise<CopyRequest[]> {
  const sql = `SELECT ${columns} FROM millrace.copy_request
    WHERE queue = $1 AND state IN ('wanted', 'copying') ORDER BY copy_id`;
  return (await query<CopyRow>(client, 'reading copy requests', sql, [queue])).map(toRequest);
}

/** Begins (again): counts the attempt on and forgets what the one before noted. Null when it is done or cancelled. */
export async function beginCopy(client: Queryable, copyId: number): Promise<CopyRequest | null> {
  const sql = `UPDATE millrace.copy_request
    SET state = 'copying', attempt = attempt + 1, tick = NULL, fingerprint = NULL, rows = NULL, bytes = NULL, changed_at = now()
    WHERE copy_id = $1 AND state IN ('wanted', 'copying') RETURNING ${columns}`;
  const [row] = await query<CopyRow>(client, 'beginning a copy', sql, [copyId]);
  return row === undefined ? null : toRequest(row);
}

/** What an attempt of a copy has come to. */
export interface CopyProgress {
  readonly position: Position;
  readonly rows: number;
  readonly bytes: number;
}

/** Notes the progress of an attempt. False when it is no longer the current one, or the copy was cancelled: give up. */
export async function noteCopyProgress(
  client: Queryable,
  copyId: number,
  attempt: number,
  progress: CopyProgress,
): Promise<boolean> {
  return moveCopy(client, { copyId, attempt, state: 'copying', progress });
}

/** The attempt is whole and durable on the bus. False as in `noteCopyProgress`. */
export async function finishCopy(
  client: Queryable,
  copyId: number,
  attempt: number,
  progress: CopyProgress,
): Promise<boolean> {
  return moveCopy(client, { copyId, attempt, state: 'done', progress });
}

/**
 * Withdraws the requests for copies of a table, for these subscribers; other subscribers keep theirs. A request that nobody
 * is left for is cancelled. Gives the number of requests changed.
 */
export async function cancelCopies(client: Queryable, { queue, table, subscribers }: CopyWish): Promise<number> {
  const values = [queue, table.schema, table.name, [...subscribers]];
  try {
    return (await runQuery(client, 'cancel_copies', values)).length;
  } catch (error) {
    throw providerError(error, 'cancelling copies');
  }
}

async function moveCopy(
  client: Queryable,
  move: { copyId: number; attempt: number; state: CopyState; progress: CopyProgress },
): Promise<boolean> {
  const sql = `UPDATE millrace.copy_request
    SET state = $3, tick = $4, fingerprint = $5, rows = $6, bytes = $7, changed_at = now()
    WHERE copy_id = $1 AND attempt = $2 AND state = 'copying' RETURNING copy_id`;
  const { position, rows, bytes } = move.progress;
  const params = [move.copyId, move.attempt, move.state, position.tick, position.fingerprint, rows, bytes];
  return (await query(client, 'noting a copy', sql, params)).length > 0;
}

function toRequest(row: CopyRow): CopyRequest {
  const number = (text: string | null) => (text === null ? null : safeInteger(text));
  const tick = number(row.tick);
  return {
    copyId: safeInteger(row.copy_id),
    queue: row.queue,
    table: { schema: row.schema_name, name: row.table_name },
    subscribers: row.subscribers,
    state: row.state,
    attempt: row.attempt,
    position: tick === null || row.fingerprint === null ? null : { tick, fingerprint: row.fingerprint },
    rows: number(row.rows),
    bytes: number(row.bytes),
    changedAt: row.changed_at,
  };
}

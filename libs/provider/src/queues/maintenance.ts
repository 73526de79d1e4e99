import type { MillraceError } from '@millrace/errors';
import { type Queryable, quoteIdent, sqlstateOf, withTransaction } from '@millrace/postgres';
import { providerError, query } from '../query.ts';

/** What became of one maintenance call. */
export interface MaintenanceOutcome {
  /** schema.function as the list names it, or vacuum. */
  readonly operation: string;
  readonly argument: string | null;
  /** done; later: a lock was not free in time; failed: see error. */
  readonly result: 'done' | 'later' | 'failed';
  readonly error?: MillraceError;
}

export interface MaintenanceOptions {
  /** Longest wait for a lock, ms. Default 200: nobody queues behind maintenance for longer. */
  readonly lockTimeoutMs?: number;
  /** Whether to carry out the vacuums of the list as well. Default true. */
  readonly vacuum?: boolean;
}

/** A call that asks to be repeated without end is broken off here. */
const mostRepeats = 1_000;

/**
 * Runs the maintenance calls that the database lists (rotation of event tables, …), each in a transaction of its own:
 * the second step of a rotation must not share the first one's. One that fails does not keep the others. Call it from
 * one session, outside a transaction, every few seconds.
 */
export async function runMaintenance(
  client: Queryable,
  options: MaintenanceOptions = {},
): Promise<MaintenanceOutcome[]> {
  const list = await query<{ func_name: string; func_arg: string | null }>(
    client,
    'listing maintenance',
    'SELECT func_name, func_arg FROM pgq.maint_operations()',
    [],
  );
  const outcomes: MaintenanceOutcome[] = [];
  for (const { func_name: operation, func_arg: argument } of list) {
    if (options.vacuum === false && isVacuum(operation)) continue;
    try {
      await runOne(client, operation, argument, options.lockTimeoutMs ?? 200);
      outcomes.push({ operation, argument, result: 'done' });
    } catch (error) {
      outcomes.push({ operation, argument, ...verdict(error, operation) });
    }
  }
  return outcomes;
}

/** Puts events whose retry time has come back into their queues. Gives how many. */
export async function moveRetries(client: Queryable): Promise<number> {
  let moved = 0;
  for (let round = 0; round < mostRepeats; round += 1) {
    const rows = await query<{ n: number }>(client, 'moving retries', 'SELECT pgq.maint_retry_events() AS n', []);
    const n = rows[0]?.n ?? 0;
    moved += n;
    if (n === 0) break;
  }
  return moved;
}

function isVacuum(operation: string): boolean {
  return operation.toLowerCase() === 'vacuum';
}

async function runOne(
  client: Queryable,
  operation: string,
  argument: string | null,
  lockTimeoutMs: number,
): Promise<void> {
  if (isVacuum(operation)) {
    await client.query(`VACUUM ${argument ?? ''}`);
    return;
  }
  const dot = operation.indexOf('.');
  const name =
    dot < 0 ? quoteIdent(operation) : `${quoteIdent(operation.slice(0, dot))}.${quoteIdent(operation.slice(dot + 1))}`;
  const call = argument === null ? `SELECT ${name}() AS again` : `SELECT ${name}($1) AS again`;
  for (let round = 0; round < mostRepeats; round += 1) {
    const again = await withTransaction(
      client,
      async () => {
        await client.query(`SELECT pg_catalog.set_config('lock_timeout', $1, true)`, [`${lockTimeoutMs}ms`]);
        return (await client.query(call, argument === null ? [] : [argument])).rows[0]?.again;
      },
      'BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE',
    );
    if (Number(again) !== 1) return;
  }
}

function verdict(error: unknown, operation: string): { result: 'later' | 'failed'; error?: MillraceError } {
  if (sqlstateOf(error) === '55P03') return { result: 'later' };
  return { result: 'failed', error: providerError(error, operation) };
}

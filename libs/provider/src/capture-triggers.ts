import { setTimeout as delay } from 'node:timers/promises';
import { type TableName, tableKey } from '@millrace/model';
import { type Queryable, quoteTable, sqlstateOf } from '@millrace/postgres';
import { ask, askOne } from './ask.ts';

/** What a look after the capture triggers found for one table. */
export interface TriggerFinding extends TableName {
  /** What was done ("code of public.t made anew", "partition … added", "in use, later"); null when nothing. */
  readonly action: string | null;
  /** Why changes of the table may be missing, and what to do; null when all is well. */
  readonly problem: string | null;
}

/** How long to try for a table that the application keeps locked; each try makes others wait 100 ms at most. */
export interface LockPatience {
  /** Milliseconds; default 30,000. */
  readonly patienceMs?: number;
}

/**
 * Puts a table into the set: from the commit of this call on its changes are captured; rows already there need a copy.
 * Adding it again repairs its triggers and clears its problem. True added, false was there. Throws NOT_FOUND (no such set or
 * table), NOT_REPLICABLE (naming table and reason), and DATABASE_BUSY when the table stays locked. Not for use inside a
 * transaction: it is repeated when the table is in use.
 */
export async function addTable(
  client: Queryable,
  queue: string,
  table: TableName,
  options: LockPatience = {},
): Promise<boolean> {
  const doing = `adding table ${quoteTable(table)}`;
  const sql = 'SELECT millrace.add_table($1, $2::pg_catalog.regclass) AS done';
  return patiently(options, () => askOne<{ done: boolean }>(client, doing, sql, [queue, quoteTable(table)]));
}

/**
 * Takes a table out of the set with its capture triggers; its rows stay. Works also for one that was dropped or renamed:
 * `table` is the name it was added under. True removed, false was not there. Throws DATABASE_BUSY.
 */
export async function removeTable(
  client: Queryable,
  queue: string,
  table: TableName,
  options: LockPatience = {},
): Promise<boolean> {
  const doing = `removing table ${quoteTable(table)}`;
  const sql = 'SELECT millrace.remove_table($1, $2, $3) AS done';
  return patiently(options, () => askOne<{ done: boolean }>(client, doing, sql, [queue, table.schema, table.name]));
}

/**
 * Looks after the set's capture triggers: makes code anew for altered tables, gives new partitions triggers, puts dropped or
 * disabled ones back, and records as a table's problem what may have gone by unseen. Never waits for a table in use.
 */
export async function refreshTriggers(client: Queryable, queue: string): Promise<TriggerFinding[]> {
  const sql = 'SELECT schema_name AS schema, table_name AS name, action, problem FROM millrace.refresh_triggers($1)';
  return ask(client, `looking after the triggers of ${queue}`, sql, [queue]);
}

/** Forgets a table's recorded problem, once a new copy has made it good. True when there was one. */
export async function clearProblem(client: Queryable, queue: string, table: TableName): Promise<boolean> {
  const sql = 'SELECT millrace.clear_problem($1, $2, $3) AS done';
  const row = await askOne<{ done: boolean }>(client, `clearing the problem of ${tableKey(table)}`, sql, [
    queue,
    table.schema,
    table.name,
  ]);
  return row.done;
}

/** Repeats while the table is locked by others, which our short waits let through in between. */
async function patiently(options: LockPatience, work: () => Promise<{ done: boolean }>): Promise<boolean> {
  const end = Date.now() + (options.patienceMs ?? 30_000);
  for (;;) {
    try {
      return (await work()).done;
    } catch (error) {
      if (!isLockTimeout(error) || Date.now() >= end) throw error;
      await delay(50 + Math.random() * 200);
    }
  }
}

function isLockTimeout(error: unknown): boolean {
  return sqlstateOf(error) === '55P03';
}

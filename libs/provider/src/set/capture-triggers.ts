import { codes, MillraceError } from '@millrace/errors';
import type { TableName } from '@millrace/model';
import { namesAsJson, type Queryable, quoteTable } from '@millrace/postgres';
import { providerError, query, queryOne } from '../query.ts';
import { runQuery } from '../statements.ts';

/** What the maintenance of the capture triggers found for one table. */
export interface TriggerFinding extends TableName {
  /** What was done ("code of public.t generated again", "partition … added", "in use, later"); null when nothing. */
  readonly action: string | null;
  /** Why changes of the table may be missing, and what to do; null when all is well. */
  readonly problem: string | null;
}

/**
 * Puts a table into the set: from the commit of this call on its changes are captured; rows already there need a copy.
 * Adding it again repairs its triggers and clears its problem. True added, false was there. Throws NOT_FOUND (no such set or
 * table), NOT_REPLICABLE (naming table and reason), and DATABASE_BUSY after waiting 100 ms for a table that others use: the
 * application waits behind it, so it is to be repeated a little later.
 */
export async function addTable(client: Queryable, queue: string, table: TableName): Promise<boolean> {
  const doing = `adding table ${quoteTable(table)}`;
  try {
    const [row] = await runQuery<{ added: boolean }>(client, 'add_table', [queue, table.schema, table.name]);
    if (row !== undefined) return row.added;
  } catch (error) {
    throw providerError(error, doing);
  }
  throw new MillraceError(codes.NOT_FOUND, `${doing}: there is no such table`);
}

/**
 * Takes a table out of the set with its capture triggers; its rows stay. Works also for one that was dropped or renamed:
 * `table` is the name it was added under. True removed, false was not there. Throws DATABASE_BUSY as `addTable`.
 */
export async function removeTable(client: Queryable, queue: string, table: TableName): Promise<boolean> {
  const sql = 'SELECT millrace.remove_table($1, $2, $3) AS removed';
  const values = [queue, table.schema, table.name];
  return (await queryOne<{ removed: boolean }>(client, `removing table ${quoteTable(table)}`, sql, values)).removed;
}

/**
 * Maintains the set's capture triggers: regenerates code for altered tables, gives new partitions triggers, puts dropped or
 * disabled ones back, and records as a table's problem what may have gone by unseen. Never waits for a table in use.
 */
export async function refreshTriggers(client: Queryable, queue: string): Promise<TriggerFinding[]> {
  const sql = 'SELECT schema_name AS schema, table_name AS name, action, problem FROM millrace.refresh_triggers($1)';
  return query(client, `looking after the triggers of ${queue}`, sql, [queue]);
}

/** Records that events of these tables in the queue cannot be read and are left out; null: it is not known of which. */
export async function recordSetAside(
  client: Queryable,
  queue: string,
  tables: readonly TableName[] | null,
): Promise<void> {
  const sql = 'SELECT millrace.note_set_aside($1, $2::jsonb)';
  await query(client, `recording events of ${queue} that cannot be read`, sql, [queue, tables && namesAsJson(tables)]);
}

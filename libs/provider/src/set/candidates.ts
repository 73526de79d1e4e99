// What could be put into a set. Throws the driver's errors.
import type { TableName } from '@millrace/model';
import type { Queryable } from '@millrace/postgres';
import { runQuery } from '../statements.ts';

/** All tables that people made, by name. */
export function userTables(client: Queryable): Promise<TableName[]> {
  return runQuery(client, 'user_tables');
}

/** The sequences from which the table's columns take their numbers, by name. */
export function ownedSequences(client: Queryable, { schema, name }: TableName): Promise<TableName[]> {
  return runQuery(client, 'owned_sequences', [schema, name]);
}

/** Whether a table can be replicated. */
export interface TableCheck {
  /** Why not, without the table's name; null: it can be. */
  readonly refusal: string | null;
  /** The columns that tell its rows apart; null without any. */
  readonly key: readonly string[] | null;
}

/** Changes nothing. Undefined when there is no such table. */
export async function checkTable(client: Queryable, { schema, name }: TableName): Promise<TableCheck | undefined> {
  return (await runQuery<TableCheck>(client, 'check_table', [schema, name]))[0];
}

/** Waits until no other command changes what the key stands for; the lock ends with the session. */
export async function lockChanges(client: Queryable, key: string): Promise<void> {
  await runQuery(client, 'lock_changes', [key]);
}

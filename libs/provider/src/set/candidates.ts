// What could be put into a set. Throws the driver's errors.

import { setTimeout as delay } from 'node:timers/promises';
import { codes, MillraceError } from '@millrace/errors';
import type { TableName } from '@millrace/model';
import { type Queryable, requestLock } from '@millrace/postgres';
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

/** How long a command waits for another one, ms. */
const changesWaitMs = 60_000;
const changesPollMs = 100;

/** Waits until no other command changes what the key stands for; the lock ends with the session. Throws DATABASE_BUSY after 60 s. */
export async function lockChanges(client: Queryable, key: string): Promise<void> {
  const deadline = performance.now() + changesWaitMs;
  for (;;) {
    const { won, holder } = await requestLock(client, `admin:${key}`);
    if (won) return;
    if (performance.now() > deadline) {
      throw new MillraceError(
        codes.DATABASE_BUSY,
        `another command changes ${key}: ${holder ?? 'its session is not known'}`,
        {
          advice: 'try again when it has ended',
        },
      );
    }
    await delay(changesPollMs);
  }
}

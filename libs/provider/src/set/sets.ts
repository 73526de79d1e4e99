import type { TableName } from '@millrace/model';
import type { Queryable } from '@millrace/postgres';
import { query, queryOne } from '../query.ts';

/** A set of replicated tables with its queue. */
export interface ReplicatedSet {
  readonly queue: string;
  /** Of the cluster the set was made on. */
  readonly systemIdentifier: string;
}

/** Makes a set and its queue; true made, false was there. */
export async function createSet(client: Queryable, queue: string): Promise<boolean> {
  const row = await queryOne<{ made: boolean }>(
    client,
    `creating set ${queue}`,
    'SELECT millrace.create_set($1) AS made',
    [queue],
  );
  return row.made;
}

/** Removes a set with its triggers, subscribers and queue; true removed, false was not there. */
export async function dropSet(client: Queryable, queue: string): Promise<boolean> {
  const row = await queryOne<{ gone: boolean }>(
    client,
    `removing set ${queue}`,
    'SELECT millrace.drop_set($1) AS gone',
    [queue],
  );
  return row.gone;
}

/** All sets of this provider, by name. */
export async function listSets(client: Queryable): Promise<ReplicatedSet[]> {
  return query(
    client,
    'reading sets',
    `SELECT queue, system_identifier AS "systemIdentifier" FROM millrace.set ORDER BY queue`,
    [],
  );
}

/** Adds a sequence; its value comes with the next tick. True added, false was there. Throws NOT_FOUND, NOT_REPLICABLE. */
export async function addSequence(client: Queryable, queue: string, sequence: TableName): Promise<boolean> {
  const sql = `SELECT millrace.add_sequence($1, pg_catalog.format('%I.%I', $2::text, $3::text)::pg_catalog.regclass) AS added`;
  const doing = `adding sequence ${sequence.schema}.${sequence.name}`;
  const row = await queryOne<{ added: boolean }>(client, doing, sql, [queue, sequence.schema, sequence.name]);
  return row.added;
}

/** Takes a sequence out of a set; true removed, false was not there. */
export async function removeSequence(client: Queryable, queue: string, sequence: TableName): Promise<boolean> {
  const doing = `removing sequence ${sequence.schema}.${sequence.name}`;
  const row = await queryOne<{ gone: boolean }>(client, doing, 'SELECT millrace.remove_sequence($1, $2, $3) AS gone', [
    queue,
    sequence.schema,
    sequence.name,
  ]);
  return row.gone;
}

/** The next tick carries the sequence's value even if it did not move: a subscriber was added to it. */
export async function sendSequenceAgain(client: Queryable, queue: string, sequence: TableName): Promise<void> {
  const sql = `UPDATE millrace.set_sequence SET last_value = NULL, is_called = NULL
    WHERE queue = $1 AND schema_name = $2 AND sequence_name = $3`;
  const doing = `sending sequence ${sequence.schema}.${sequence.name} again`;
  await query(client, doing, sql, [queue, sequence.schema, sequence.name]);
}

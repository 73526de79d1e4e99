import { safeInteger, type TableName } from '@millrace/model';
import type { Queryable } from '@millrace/postgres';
import { ask, askOne, isoTime } from './ask.ts';

/** A set of replicated tables with its queue. */
export interface ReplicatedSet {
  readonly queue: string;
  /** Of the cluster the set was made on. */
  readonly systemIdentifier: string;
}

/** A table of a set. */
export interface SetTable extends TableName {
  readonly columns: readonly string[];
  /** Key columns, in index order. */
  readonly key: readonly string[];
  /** ISO time. */
  readonly addedAt: string;
  /** Why changes of the table may be missing; null when all is well. */
  readonly problem: string | null;
}

/** A sequence of a set and the value last put into the queue; nulls before the first time. */
export interface SetSequence extends TableName {
  /** Decimal text: a sequence may be beyond 2^53. */
  readonly lastValue: string | null;
  readonly isCalled: boolean | null;
}

/** Makes a set and its queue; true made, false was there. */
export async function createSet(client: Queryable, queue: string): Promise<boolean> {
  const row = await askOne<{ made: boolean }>(
    client,
    `creating set ${queue}`,
    'SELECT millrace.create_set($1) AS made',
    [queue],
  );
  return row.made;
}

/** Removes a set with its triggers, subscribers and queue; true removed, false was not there. */
export async function dropSet(client: Queryable, queue: string): Promise<boolean> {
  const row = await askOne<{ gone: boolean }>(client, `removing set ${queue}`, 'SELECT millrace.drop_set($1) AS gone', [
    queue,
  ]);
  return row.gone;
}

/** All sets of this provider, by name. */
export async function listSets(client: Queryable): Promise<ReplicatedSet[]> {
  return ask(
    client,
    'reading sets',
    `SELECT queue, system_identifier AS "systemIdentifier" FROM millrace.set ORDER BY queue`,
    [],
  );
}

/** The tables of a set, by name. */
export async function listTables(client: Queryable, queue: string): Promise<SetTable[]> {
  const sql = `SELECT schema_name AS schema, table_name AS name, columns, key_columns AS key,
      ${isoTime('added_at')} AS "addedAt", problem
    FROM millrace.set_table WHERE queue = $1 ORDER BY schema_name, table_name`;
  return ask(client, `reading the tables of ${queue}`, sql, [queue]);
}

/** The sequences of a set, by name. */
export async function listSequences(client: Queryable, queue: string): Promise<SetSequence[]> {
  const sql = `SELECT schema_name AS schema, sequence_name AS name, last_value::text AS "lastValue", is_called AS "isCalled"
    FROM millrace.set_sequence WHERE queue = $1 ORDER BY schema_name, sequence_name`;
  return ask(client, `reading the sequences of ${queue}`, sql, [queue]);
}

/** Adds a sequence; its value comes with the next tick. True added, false was there. Throws NOT_FOUND, NOT_REPLICABLE. */
export async function addSequence(client: Queryable, queue: string, sequence: TableName): Promise<boolean> {
  const sql = `SELECT millrace.add_sequence($1, pg_catalog.format('%I.%I', $2::text, $3::text)::pg_catalog.regclass) AS added`;
  const doing = `adding sequence ${sequence.schema}.${sequence.name}`;
  const row = await askOne<{ added: boolean }>(client, doing, sql, [queue, sequence.schema, sequence.name]);
  return row.added;
}

/** Takes a sequence out of a set; true removed, false was not there. */
export async function removeSequence(client: Queryable, queue: string, sequence: TableName): Promise<boolean> {
  const doing = `removing sequence ${sequence.schema}.${sequence.name}`;
  const row = await askOne<{ gone: boolean }>(client, doing, 'SELECT millrace.remove_sequence($1, $2, $3) AS gone', [
    queue,
    sequence.schema,
    sequence.name,
  ]);
  return row.gone;
}

/** How a queue is doing. */
export interface QueueInfo {
  /** Bytes of all event tables with indexes and TOAST. */
  readonly bytes: number;
  /** Event ids taken since the last tick; a hint. */
  readonly newEvents: number;
  readonly lastTick: number | null;
  /** Age of the last tick in ms. */
  readonly tickLagMs: number | null;
  readonly paused: boolean;
  /** ISO time of the last switch of event tables. */
  readonly rotatedAt: string;
}

/** State of a queue; null when there is none of that name. */
export async function queueInfo(client: Queryable, queue: string): Promise<QueueInfo | null> {
  const sql = `SELECT i.ev_new, i.last_tick_id, pg_catalog.round(extract(epoch FROM i.ticker_lag) * 1000) AS lag_ms,
      i.queue_ticker_paused AS paused, ${isoTime('i.queue_switch_time')} AS "rotatedAt",
      (SELECT pg_catalog.sum(pg_catalog.pg_total_relation_size(h.inhrelid)) FROM pg_catalog.pg_inherits h
       WHERE h.inhparent = pg_catalog.to_regclass(q.queue_data_pfx)) AS bytes
    FROM pgq.get_queue_info($1) AS i JOIN pgq.queue q ON q.queue_name = i.queue_name`;
  const [row] = await ask<Record<string, string | null> & { paused: boolean; rotatedAt: string }>(
    client,
    `reading queue ${queue}`,
    sql,
    [queue],
  );
  if (row === undefined) return null;
  const number = (text: string | null | undefined) => (text === null || text === undefined ? null : safeInteger(text));
  return {
    bytes: number(row.bytes) ?? 0,
    newEvents: number(row.ev_new) ?? 0,
    lastTick: number(row.last_tick_id),
    tickLagMs: number(row.lag_ms),
    paused: row.paused,
    rotatedAt: row.rotatedAt,
  };
}

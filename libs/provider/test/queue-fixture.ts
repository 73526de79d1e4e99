import type { PgClient } from '@millrace/postgres';
import { createSet, installProvider, intervalsAfter, lastTick } from '../src/mod.ts';
import { type OwnedDatabase, ownedDatabase, value } from './owned-database.ts';

/** An installed provider with one set, `main`. */
export interface QueueFixture extends OwnedDatabase {
  readonly client: PgClient;
}

export const queue = 'main';

/** Installs on a new database. */
export async function queueFixture(major = 18): Promise<QueueFixture> {
  const database = await ownedDatabase(major);
  const client = await database.open();
  await installProvider(client);
  await createSet(client, queue);
  return { ...database, client };
}

/** Puts an event into the queue with this data. */
export async function put(client: PgClient, data: string): Promise<void> {
  await client.query('SELECT pgq.insert_event($1, $2, $3)', [queue, 't', data]);
}

/** The data of the events between two ticks. */
export async function readBatch(client: PgClient, prev: number, end: number): Promise<string[]> {
  const sql = await value(client, 'SELECT millrace.batch_sql($1, $2, $3)', [queue, prev, end]);
  return (await client.query<{ ev_data: string }>(sql)).rows.map((row) => row.ev_data);
}

/** Every batch from tick 1 to the last, in order. */
export async function readBatches(client: PgClient): Promise<string[][]> {
  const batches: string[][] = [];
  for (const { prev, tick } of await intervalsAfter(client, queue, 1, 100_000))
    batches.push(await readBatch(client, prev.tick, tick.tick));
  return batches;
}

/** The number of the newest tick. */
export async function newest(client: PgClient): Promise<number> {
  return (await lastTick(client, queue))?.tick ?? 0;
}

/** Makes the queue's tables due for rotation and runs both steps, each in its own transaction. */
export async function rotate(client: PgClient): Promise<number> {
  await client.query(`UPDATE pgq.queue SET queue_switch_time = queue_switch_time - interval '1 day'`);
  await client.query('SELECT pgq.maint_rotate_tables_step1($1)', [queue]);
  await client.query('SELECT pgq.maint_rotate_tables_step2()');
  return (await client.query<{ n: number }>('SELECT queue_cur_table AS n FROM pgq.queue')).rows[0]?.n ?? -1;
}

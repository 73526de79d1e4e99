import type { PgClient } from '@millrace/postgres';
import { expect } from 'vitest';
import { addTable } from '../src/mod.ts';
import { queue, queueFixture } from './queue-fixture.ts';
import { type CapturedEvent, capturedEvents, Replica, tableContent } from './replayed-queue.ts';

/** A provider with tables in the set, and the simplest subscriber for one of them. */
export interface CaptureFixture {
  /** Owner's session with plain settings: what is read with it compares with pinned text. */
  readonly client: PgClient;
  open(): Promise<PgClient>;
  openSuperuser(): Promise<PgClient>;
  /** Runs statements as one message each. */
  run(...statements: string[]): Promise<void>;
  /** Events since the last call; the replicas get them too unless told otherwise. */
  events(options?: { replayed?: boolean }): Promise<(CapturedEvent & { id: number })[]>;
  /** Applies events since the last call and expects the replica to be the table. */
  expectSame(table: string, columns?: readonly string[]): Promise<void>;
}

const plain = `SET DateStyle = 'ISO, YMD'; SET IntervalStyle = postgres; SET TimeZone = 'UTC'; SET extra_float_digits = 1;
  SET bytea_output = hex; SET search_path = public; SET standard_conforming_strings = on; SET quote_all_identifiers = off;
  SET transform_null_equals = off; SET "plpgsql.extra_errors" = none; SET client_min_messages = warning`;

/** Runs `schema` (DDL), and adds the named tables (of schema public, or `schema.name` unquoted) to the set. */
export async function captureFixture(
  major: number,
  schema: string,
  tables: readonly string[],
): Promise<CaptureFixture> {
  const database = await queueFixture(major);
  const { client } = database;
  await client.query(plain);
  await client.query(schema);
  for (const name of tables) await addTable(client, queue, { schema: 'public', name });
  const replicas = new Map<string, Replica>();
  let seen = 0;
  const events = async (options: { replayed?: boolean } = {}) => {
    const found = await capturedEvents(client, seen);
    seen = Math.max(seen, ...found.map((event) => event.id));
    if (options.replayed === false) return found;
    for (const [name, batch] of Map.groupBy(found, (event) => event.table[1])) {
      const replica = replicas.get(name) ?? new Replica();
      replicas.set(name, replica);
      replica.apply(batch);
    }
    return found;
  };
  return {
    client,
    open: async () => {
      const session = await database.open();
      await session.query(plain);
      return session;
    },
    openSuperuser: database.openSuperuser,
    run: async (...statements) => {
      for (const sql of statements) await client.query(sql);
    },
    events,
    expectSame: async (table, columns) => {
      await events();
      const names = columns ?? (await columnNames(client, table));
      expect((replicas.get(table) ?? new Replica()).content(names)).toEqual(
        await tableContent(client, client.escapeIdentifier(table), names),
      );
    },
  };
}

async function columnNames(client: PgClient, table: string): Promise<string[]> {
  const { rows } = await client.query(
    `SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(format('public.%I', $1::text))
     AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum`,
    [table],
  );
  return rows.map((row) => row.attname);
}

import { connect, type PgClient } from '@millrace/postgres';
import { createDatabase } from '@millrace/testkit';
import { describe, expect, onTestFinished, test } from 'vitest';
import { installPgqExt, uninstallPgqExt } from './mod.ts';

async function session(url: string): Promise<PgClient> {
  const client = await connect(url, { applicationName: 'pgq_ext test' });
  onTestFinished(() => client.end().catch(() => {}));
  return client;
}

async function value<T>(client: PgClient, sql: string): Promise<T> {
  return Object.values((await client.query<Record<string, T>>(sql)).rows[0] ?? {})[0] as T;
}

describe.each([15, 18])('on PostgreSQL %i', (major) => {
  test('batches, events and ticks are noted once each, with and without subconsumers', async () => {
    const client = await session((await createDatabase({ major })).url);
    await installPgqExt(client);
    await installPgqExt(client);
    const run = (call: string) => value(client, `SELECT pgq_ext.${call}`);
    for (const who of [`'c'`, `'c', 's'`]) {
      expect(await run(`is_batch_done(${who}, 1)`)).toBe(false);
      expect([await run(`set_batch_done(${who}, 1)`), await run(`set_batch_done(${who}, 1)`)]).toEqual([true, false]);
      expect(await run(`set_batch_done(${who}, 2)`)).toBe(true);
      expect([await run(`is_batch_done(${who}, 1)`), await run(`is_batch_done(${who}, 2)`)]).toEqual([false, true]);
      expect([await run(`set_event_done(${who}, 3, 101)`), await run(`set_event_done(${who}, 3, 101)`)]).toEqual([
        true,
        false,
      ]);
      expect([await run(`is_event_done(${who}, 3, 101)`), await run(`is_event_done(${who}, 3, 102)`)]).toEqual([
        true,
        false,
      ]);
      expect(await run(`set_event_done(${who}, 4, 7)`)).toBe(true);
      expect(await run(`is_event_done(${who}, 3, 101)`)).toBe(false);
      expect(await run(`get_last_tick(${who})`)).toBeNull();
      expect([await run(`set_last_tick(${who}, 5)`), await run(`set_last_tick(${who}, 6)`)]).toEqual([1, 1]);
      expect(await run(`get_last_tick(${who})`)).toBe('6');
      expect(await run(`set_last_tick(${who}, NULL)`)).toBe(1);
      expect(await run(`get_last_tick(${who})`)).toBeNull();
    }
    await uninstallPgqExt(client);
    expect(await value(client, `SELECT to_regnamespace('pgq_ext') IS NULL`)).toBe(true);
    await uninstallPgqExt(client);
  });

  test('of two sessions that note the same batch or event, one is reported that it is done', async () => {
    const { url } = await createDatabase({ major });
    const [one, two] = [await session(url), await session(url)];
    await installPgqExt(one);
    for (const call of [`set_batch_done('c', 1)`, `set_event_done('c', 1, 1)`]) {
      await one.query('BEGIN');
      expect(await value(one, `SELECT pgq_ext.${call}`)).toBe(true);
      const second = value(two, `SELECT pgq_ext.${call}`);
      await one.query('COMMIT');
      expect(await second).toBe(false);
    }
  });

  test('a schema of that name that another role made is left alone', async () => {
    const client = await session((await createDatabase({ major })).url);
    await client.query('CREATE SCHEMA pgq_ext; CREATE TABLE pgq_ext.mine ()');
    await installPgqExt(client);
    await uninstallPgqExt(client);
    expect(await value(client, `SELECT count(*) FROM pg_class WHERE relnamespace = 'pgq_ext'::regnamespace`)).toBe('1');
  });

  test('a stranger may run for the version only', async () => {
    const { url } = await createDatabase({ major });
    const client = await session(url);
    await installPgqExt(client);
    await client.query(
      `DO $$ BEGIN CREATE ROLE pgq_ext_stranger; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$`,
    );
    await client.query('SET ROLE pgq_ext_stranger');
    expect(await value(client, 'SELECT pgq_ext.version()')).toBe('3.5-millrace');
    for (const sql of [
      `SELECT pgq_ext.get_last_tick('c')`,
      `SELECT pgq_ext.set_batch_done('c', 1)`,
      'TABLE pgq_ext.completed_tick',
    ]) {
      await expect(client.query(sql)).rejects.toMatchObject({ code: '42501' });
    }
  });
});

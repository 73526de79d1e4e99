// @millrace/queue on the real extension: functions of the contract alone, with the rights that the extension gives.

import { installPgqExt } from '@millrace/pgq-ext';
import { type ConsumerOptions, defineQueue, queueCodes, runTicker } from '@millrace/queue';
import { waitFor } from '@millrace/testkit';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { Database } from '../harness/database.ts';
import { skipped } from '../harness/fetched.ts';
import { Ground } from '../harness/ground.ts';
import { extensionServer, pgqPrograms } from '../harness/pgq-programs.ts';

const jobs = defineQueue({ name: 'jobs', events: { add: z.object({ n: z.int() }), note: z.string() } });

describe.skipIf(pgqPrograms.why !== undefined)(`@millrace/queue on the extension${skipped(pgqPrograms)}`, () => {
  let ground: Ground;
  let database: Database;
  let target: Database;
  const pools: pg.Pool[] = [];
  const stop = new AbortController();
  let ticking: Promise<void>;
  let admin: pg.Pool;
  let writer: pg.Pool;
  let worker: pg.Pool;
  let into: pg.Pool;

  const pool = (url: string, user?: string): pg.Pool => {
    const whole = new URL(url);
    if (user !== undefined) whole.username = user;
    const made = new pg.Pool({ connectionString: whole.href });
    pools.push(made);
    return made;
  };

  beforeAll(async () => {
    ground = await Ground.start({ name: 'queue-library', servers: { server: extensionServer() } });
    database = await ground.createDatabase('server', 'one');
    target = await ground.createDatabase('server', 'two');
    await database.run(`CREATE EXTENSION pgq; CREATE ROLE writer LOGIN IN ROLE pgq_writer;
      CREATE ROLE worker LOGIN IN ROLE pgq_reader, pgq_writer; CREATE ROLE boss LOGIN IN ROLE pgq_admin;
      CREATE TABLE done (n int); GRANT ALL ON done TO worker`);
    await target.within((client) => installPgqExt(client));
    await target.run('CREATE TABLE done (n int)');
    admin = pool(database.url, 'boss');
    writer = pool(database.url, 'writer');
    worker = pool(database.url, 'worker');
    into = pool(target.url);
    await jobs.create(admin, { tickAfterMs: 0 });
    ticking = runTicker({ database: admin, signal: stop.signal, tickMs: 50, retryMs: 50, maintenanceMs: 200 });
  });

  afterAll(async () => {
    stop.abort();
    await ticking;
    await Promise.all(pools.map((one) => one.end()));
    await Promise.all([database?.close(), target?.close()]);
    await ground?.stop();
  });

  test.each(['plain', 'same', 'other'] as const)('delivery %s: sent, retried, set aside, put back', async (how) => {
    const given = { plain: {}, same: { exactlyOnce: true }, other: { exactlyOnce: { into } } }[how];
    const consumer = jobs.consumer({
      name: how,
      database: worker,
      retries: { max: 1, delayMs: () => 0 },
      memory: { events: 50 },
      ...given,
    } as ConsumerOptions & { readonly exactlyOnce: true });
    await consumer.register();
    const ids = await jobs.sendMany(writer, [
      ...Array.from({ length: 300 }, (_, n) => ({ type: 'add' as const, payload: { n } })),
      { type: 'note', payload: "it's" },
    ]);
    expect(ids.length).toBe(301);
    const seen: string[] = [];
    let broken = true;
    const run = consumer.run({
      add: async ({ payload, attempt }, context) => {
        seen.push(`${payload.n}/${attempt}`);
        await (context.client as pg.ClientBase | undefined)?.query('INSERT INTO done VALUES ($1)', [payload.n]);
        if (broken && payload.n === 7) throw new Error('not yet');
      },
    });
    const letters = jobs.deadLetters(admin);
    const choose = { consumer: how };
    const [letter] = await waitFor('a dead letter', async () => {
      const found = await letters.list({ choose });
      return found.length === 0 ? undefined : found;
    });
    expect(letter).toMatchObject({ attempt: 2, reason: 'Error: not yet', data: '{"n":7}', type: 'add', id: ids[7] });
    broken = false;
    expect(await letters.putBack(choose)).toBe(1);
    await waitFor('the event once more', async () => seen.filter((one) => one === '7/1').length === 2 || undefined);
    await consumer.close();
    await run;
    expect(seen.filter((one) => !one.startsWith('7/')).length).toBe(299);
    expect(seen).toContain('7/2');
    const done = how === 'other' ? target : database;
    if (how !== 'plain') expect(await done.value('SELECT count(*)::int FROM done')).toBe(300);
    await database.run('TRUNCATE done');
  });

  test('a position is moved, and what lacks is named', async () => {
    const consumer = jobs.consumer({ name: 'seeker', database: worker });
    await consumer.seek('oldest');
    let count = 0;
    const run = consumer.run((event) => {
      count += event.type === 'note' ? 1 : 0;
    });
    await waitFor('the notes of all tests', async () => count > 0 || undefined);
    await consumer.close();
    await run;
    expect((await consumer.info()).lastTick).toBeGreaterThan(1n);
    const shared = jobs.consumer({ name: 'c', subconsumer: 's', database: worker });
    await expect(shared.run(() => {})).rejects.toMatchObject({ code: queueCodes.NOT_INSTALLED });
    await expect(jobs.create(writer)).rejects.toMatchObject({ code: queueCodes.PERMISSION });
    await expect(defineQueue({ name: 'none' }).send(writer, '')).rejects.toMatchObject({ code: queueCodes.NOT_FOUND });
    expect(await jobs.drop(admin, { force: true })).toBe(true);
    expect(await jobs.drop(admin)).toBe(false);
  });
});

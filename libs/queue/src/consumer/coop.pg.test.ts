import { eventually } from '@millrace/testkit';
import pg from 'pg';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { queueDatabase } from '../../test/database.ts';
import { defineQueue, queueCodes } from '../mod.ts';

async function shared() {
  const database = await queueDatabase();
  const queue = defineQueue({ name: database.name, schema: z.int() });
  const pool = database.pool();
  await queue.create(pool);
  await pool.query('CREATE TABLE done (n int)');
  await queue.consumer({ name: 'c', database: pool, subconsumer: 'x' }).register();
  const put = async (...numbers: number[]) => {
    for (const n of numbers) {
      await queue.send(pool, n);
      await database.tick();
    }
  };
  return { url: database.url, queue, pool, put };
}

test('subconsumers share the stream: every batch goes to one of them', async () => {
  const { queue, pool, put } = await shared();
  await put(1, 2, 3, 4, 5, 6, 7, 8);
  const seen: number[] = [];
  const workers = ['a', 'b', 'c'].map((subconsumer) => {
    const worker = queue.consumer({ name: 'c', database: pool, subconsumer });
    return { worker, run: worker.run((event) => void seen.push(event.payload)) };
  });
  await eventually(() => seen.length === 8);
  for (const { worker, run } of workers) {
    await worker.close();
    await run;
  }
  expect(seen.sort()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  for (const { worker } of workers) expect(await worker.unregister()).toBe(true);
});

test('the batch of one that died is taken over, and of one that lives it is not', async () => {
  const { queue, pool, put } = await shared();
  await put(1);
  const seen: string[] = [];
  const options = { name: 'c', database: pool, exactlyOnce: true, takeOverAfterMs: 1_000 } as const;
  // Dies with its batch open: nothing gives signs of life.
  const dead = queue.consumer({ ...options, subconsumer: 'dead' }).batches();
  const held = (await dead.next()).value;
  expect(held?.info.id).toBeTypeOf('bigint');
  const release = Promise.withResolvers<void>();
  const living = queue.consumer({ ...options, subconsumer: 'living' });
  const quick = queue.consumer({ ...options, subconsumer: 'quick' });
  await held?.abandon();
  await pool.query(`SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`);
  await expect(dead.next()).rejects.toMatchObject({ code: queueCodes.CONNECTION_LOST });

  const runs = [
    living.run(async (event, { client }) => {
      seen.push(`living ${event.payload}`);
      if (event.payload === 2) await release.promise;
      await client.query('INSERT INTO done VALUES ($1)', [event.payload]);
    }),
  ];
  await eventually(() => seen.includes('living 1'));
  await put(2);
  await eventually(() => seen.includes('living 2'));
  // Works on batch 2 for longer than the silence allowed, while another one polls all the time.
  runs.push(quick.run((event) => void seen.push(`quick ${event.payload}`)));
  const since = async () =>
    (
      await pool.query(
        `SELECT count(*)::int AS n FROM pgq.get_consumer_info() WHERE consumer_name = 'c.living' AND last_seen < '900 ms'`,
      )
    ).rows[0].n === 1;
  const began = Date.now();
  await eventually(async () => (await since()) && Date.now() - began > 2_500, { what: 'signs of life for 2.5 s' });
  release.resolve();
  await eventually(async () => (await pool.query('SELECT 1 FROM done')).rowCount === 2);
  for (const consumer of [living, quick]) await consumer.close();
  await Promise.all(runs);
  expect(seen).toEqual(['living 1', 'living 2']);
});

test('one whose batch was taken over is reported so, and what it did exactly once does not hold', async () => {
  const { queue, pool, put } = await shared();
  await put(1);
  const errors: string[] = [];
  const slow = queue.consumer({
    name: 'c',
    database: pool,
    subconsumer: 'slow',
    exactlyOnce: true,
    onError: (error) => void errors.push(String((error as { code?: string }).code)),
  });
  const started = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const slowRun = slow.run(async (event, { client }) => {
    started.resolve();
    await release.promise;
    await client.query('INSERT INTO done VALUES ($1)', [event.payload * 100]);
  });
  await started.promise;
  const quick = queue.consumer({
    name: 'c',
    database: pool,
    subconsumer: 'quick',
    exactlyOnce: true,
    takeOverAfterMs: 1,
  });
  const quickRun = quick.run((event, { client }) => client.query('INSERT INTO done VALUES ($1)', [event.payload]));
  await eventually(async () => (await pool.query('SELECT 1 FROM done')).rowCount === 1);
  release.resolve();
  await eventually(() => errors.length > 0);
  await slow.close();
  await quick.close();
  await Promise.all([slowRun, quickRun]);
  expect(errors).toEqual([queueCodes.BATCH_LOST]);
  expect((await pool.query('SELECT n FROM done')).rows).toEqual([{ n: 1 }]);
});

test('one whose batch was taken over while an event of it failed goes on with the next', async () => {
  const { queue, pool, put } = await shared();
  await put(1);
  const errors: string[] = [];
  const started = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const slow = queue.consumer({
    name: 'c',
    database: pool,
    subconsumer: 'slow',
    onError: (error) => void errors.push((error as { code?: string }).code ?? error.message),
  });
  const slowSeen: number[] = [];
  const slowRun = slow.run(async (event) => {
    slowSeen.push(event.payload);
    started.resolve();
    await release.promise;
    if (event.payload === 1) throw new Error('too late');
  });
  await started.promise;
  const seen: number[] = [];
  const quick = queue.consumer({ name: 'c', database: pool, subconsumer: 'quick', takeOverAfterMs: 1 });
  const quickRun = quick.run((event) => void seen.push(event.payload));
  await eventually(
    async () => (await queue.consumer({ name: 'c', database: pool }).info()).openBatch === null && seen.length === 1,
  );
  await quick.close();
  await quickRun;
  release.resolve();
  await eventually(() => errors.length === 2);
  await put(2);
  await eventually(() => slowSeen.includes(2));
  await slow.close();
  await slowRun;
  expect(errors).toEqual(['too late', queueCodes.BATCH_LOST]);
});

test('a pool without a session to spare for signs of life keeps no batch from being finished', async () => {
  const { url, queue, put } = await shared();
  const narrow = new pg.Pool({ connectionString: url, max: 1 });
  await put(1, 2);
  const seen: number[] = [];
  const worker = queue.consumer({ name: 'c', database: narrow, subconsumer: 'w', takeOverAfterMs: 30 });
  const run = worker.run(async (event) => {
    seen.push(event.payload);
    await eventually(() => narrow.waitingCount > 0);
  });
  await eventually(() => seen.length === 2);
  await worker.close();
  await run;
  await narrow.end();
});

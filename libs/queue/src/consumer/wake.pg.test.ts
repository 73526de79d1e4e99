import { eventually } from '@millrace/testkit';
import { expect, test } from 'vitest';
import { queueDatabase } from '../../test/database.ts';
import { type ConsumerOptions, defineQueue } from '../mod.ts';
import { Waiter } from './wake.ts';

/** Pauses between polls, longer than any test waits: only a notice wakes the consumer in time. */
const never = { minMs: 600_000, maxMs: 600_000 };

async function waiting(more: Pick<ConsumerOptions, 'pooler' | 'wake'>) {
  const database = await queueDatabase();
  const queue = defineQueue({ name: database.name });
  const pool = database.pool();
  await queue.create(pool);
  const seen: unknown[] = [];
  const consumer = queue.consumer({
    name: 'c',
    database: pool,
    poll: never,
    ...more,
  });
  await consumer.register();
  const run = consumer.run((event) => void seen.push(event.payload));
  const idle = `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle' AND query LIKE '%next_batch%'`;
  await eventually(async () => (await database.query(idle)).rowCount === 1, { what: 'a consumer that waits' });
  const end = async () => {
    await consumer.close();
    await run;
  };
  return { database, queue, pool, seen, end };
}

test('a consumer that waits is reported of the tick by the database', async () => {
  const { database, queue, pool, seen, end } = await waiting({});
  await queue.send(pool, 'one');
  await database.tick();
  await eventually(() => seen.length === 1);
  await end();
});

test('a tick notifies only while somebody has requested it', async () => {
  const database = await queueDatabase();
  const queue = defineQueue({ name: database.name });
  const pool = database.pool();
  await queue.create(pool);
  const received: string[] = [];
  const [bystander, listener] = [await pool.connect(), await pool.connect()];
  bystander.on('notification', ({ channel }) => received.push(channel));
  const tick = async () => {
    await queue.send(pool, 'one');
    await database.tick();
    await bystander.query('SELECT 1');
  };
  const channel = (await listener.query('SELECT pgq.listen_ticks($1) AS c', [queue.name])).rows[0].c;
  await bystander.query(`LISTEN ${channel}`);
  await tick();
  await eventually(() => received.length === 1);
  expect((await listener.query('SELECT pgq.unlisten_ticks($1) AS was', [queue.name])).rows).toEqual([{ was: true }]);
  await tick();
  expect(received).toEqual([channel]);
  for (const client of [bystander, listener]) client.release(true);
});

test('through a pooler a source of the caller wakes it', async () => {
  let notify = () => {};
  const wake = {
    subscribe(listener: () => void) {
      notify = listener;
      return () => {
        notify = () => {};
      };
    },
  };
  const { database, queue, pool, seen, end } = await waiting({ pooler: true, wake });
  await queue.send(pool, 'one');
  await database.tick();
  expect(seen).toEqual([]);
  notify();
  await eventually(() => seen.length === 1);
  await end();
});

test('pauses grow up to the maximum, and start small again after a batch', async () => {
  const waiter = new Waiter({ minMs: 10, maxMs: 35 });
  const took: number[] = [];
  const wait = async () => {
    const began = performance.now();
    await waiter.wait(AbortSignal.timeout(10_000));
    took.push(performance.now() - began);
  };
  for (let n = 0; n < 4; n += 1) await wait();
  waiter.wake();
  await wait();
  const [first = 0, second = 0, third = 0, fourth = 0, woken = 0] = took;
  expect([first >= 9, second >= 19, third >= 34, fourth >= 34, woken < first]).toEqual([true, true, true, true, true]);
});

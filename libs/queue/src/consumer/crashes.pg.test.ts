// Sessions killed at random statements, two processes of one consumer at the same batch, handlers that fail: what is done
// exactly once is done once.
import { eventually } from '@millrace/testkit';
import fc from 'fast-check';
import type pg from 'pg';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { type Crash, crashingPool } from '../../test/crashing-pool.ts';
import { queueDatabase, targetDatabase } from '../../test/database.ts';
import { type Consumer, defineQueue, type QueueEvent } from '../mod.ts';

/** Of the property; about a second each. */
const wanted = Number(process.env['MILLRACE_QUEUE_RUNS'] ?? 20);

const crash = fc.record({ statement: fc.integer({ min: 1, max: 60 }), when: fc.constantFrom('before', 'after') });
const plan = fc.record({
  batches: fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 1, maxLength: 4 }),
  fails: fc.uniqueArray(fc.integer({ min: 0, max: 40 }), { maxLength: 6 }),
  dies: fc.uniqueArray(fc.integer({ min: 0, max: 40 }), { maxLength: 3 }),
  crashes: fc.array(crash, { minLength: 1, maxLength: 6 }),
  targetCrashes: fc.array(crash, { maxLength: 4 }),
  duplicates: fc.boolean(),
  into: fc.boolean(),
}) satisfies fc.Arbitrary<Plan>;

interface Plan {
  readonly batches: readonly number[];
  readonly fails: readonly number[];
  readonly dies: readonly number[];
  readonly crashes: readonly Crash[];
  readonly targetCrashes: readonly Crash[];
  readonly duplicates: boolean;
  readonly into: boolean;
}

async function ground() {
  const database = await queueDatabase();
  const target = await targetDatabase();
  const [pool, into] = [database.pool(), target.pool()];
  for (const one of [pool, into]) await one.query('CREATE TABLE done (run int, n int)');
  return { database, target, pool, into };
}

let runs = 0;

/** Sends, consumes under the plan's faults, and gives what stands in the table afterwards and what is dead. */
async function carryOut(
  { database, target, pool, into }: Awaited<ReturnType<typeof ground>>,
  { batches, fails, dies, crashes, targetCrashes, duplicates, into: other }: Plan,
  delivery: 'exactly once' | 'at least once' = 'exactly once',
) {
  runs += 1;
  const run = runs;
  const queue = defineQueue({ name: `${database.name}_${run}`, schema: z.int() });
  await queue.create(pool);
  const watched = queue.consumer({ name: 'c', database: pool });
  await watched.register();
  let next = 0;
  for (const size of batches) {
    await queue.sendMany(
      pool,
      Array.from({ length: size }, () => next++),
    );
    await database.tick();
  }
  const queueSide = crashingPool(database.url, crashes);
  const targetSide = crashingPool(target.url, targetCrashes);
  const common = {
    name: 'c',
    database: queueSide.pool,
    poll: { minMs: 5, maxMs: 20 },
    memory: { events: 3 },
    pooler: duplicates,
    retries: { delayMs: () => 0 },
  };
  const exactlyOnce = other ? { into: targetSide.pool } : (true as const);
  const insert = (client: pg.ClientBase | pg.Pool, n: number) =>
    client.query('INSERT INTO done VALUES ($1, $2)', [run, n]);
  const consumers = Array.from({ length: duplicates ? 2 : 1 }, () => {
    if (delivery === 'at least once') {
      const consumer = queue.consumer(common);
      return { consumer, ended: consumer.run((event) => insert(pool, event.payload)) };
    }
    const consumer: Consumer<QueueEvent<string | null, number>, pg.ClientBase> = queue.consumer({
      ...common,
      exactlyOnce,
    });
    const ended = consumer.run(async (event, { client, deadLetter }) => {
      await insert(client, event.payload);
      if (event.attempt === 1 && fails.includes(event.payload)) throw new Error('later');
      if (dies.includes(event.payload)) deadLetter('never');
    });
    return { consumer, ended };
  });
  const drained = async () => {
    const { pendingEvents, openBatch } = await watched.info();
    return (pendingEvents <= 0n && openBatch === null) || null;
  };
  await eventually(drained, { timeoutMs: 60_000, everyMs: 5 });
  await database.retryNow();
  await eventually(drained, { timeoutMs: 60_000, everyMs: 5 });
  for (const { consumer, ended } of consumers) {
    await consumer.close();
    await ended;
  }
  const crashed = queueSide.crashed() + targetSide.crashed();
  await Promise.all([queueSide.pool.end(), targetSide.pool.end()]);
  const where = other && delivery === 'exactly once' ? into : pool;
  const done = (await where.query('SELECT n FROM done WHERE run = $1 ORDER BY n', [run])).rows.map((row) => row.n);
  await database.tick();
  const dead = (await queue.deadLetters(pool).list()).map((letter) => Number(letter.data)).sort((a, b) => a - b);
  await queue.drop(pool, { force: true });
  return { done, dead, crashed, sent: Array.from({ length: next }, (_, n) => n) };
}

test(
  'sessions killed at any statement, duplicate consumers and failing handlers: every event is done once, every letter kept once',
  async () => {
    const site = await ground();
    let crashes = 0;
    await fc.assert(
      fc.asyncProperty(plan, async (one) => {
        const { done, dead, crashed, sent } = await carryOut(site, one);
        crashes += crashed;
        expect(done).toEqual(sent);
        expect(dead).toEqual(one.dies.filter((n) => n < sent.length).sort((a, b) => a - b));
      }),
      { numRuns: wanted },
    );
    expect(crashes).toBeGreaterThan(wanted / 2);
  },
  60_000 + wanted * 5_000,
);

test('the same crashes show repeated events where delivery is at least once', async () => {
  const site = await ground();
  const crashes = [6, 16, 24].map((statement): Crash => ({ statement, when: 'before' }));
  const { done, sent } = await carryOut(
    site,
    { batches: [12, 12], fails: [], dies: [], crashes, targetCrashes: [], duplicates: false, into: false },
    'at least once',
  );
  expect(done.length).toBeGreaterThan(sent.length);
  expect([...new Set(done)]).toEqual(sent);
});

import { eventually } from '@millrace/testkit';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import { type QueueDatabase, queueDatabase } from '../../test/database.ts';
import { defineQueue, type QueueEvent, queueCodes } from '../mod.ts';

const Mail = z.object({ to: z.string(), size: z.number().default(1) });

async function mailQueue(major?: number) {
  const database = await queueDatabase(major);
  const queue = defineQueue({ name: database.name, schema: Mail });
  const pool = database.pool();
  await queue.create(pool);
  return { database, queue, pool };
}

/** Consumes until so many events were seen. */
async function consume<Event extends QueueEvent>(
  database: QueueDatabase,
  consumer: { run(handler: (event: Event) => void, options: { signal: AbortSignal }): Promise<void> },
  count: number,
): Promise<Event[]> {
  const seen: Event[] = [];
  const done = new AbortController();
  const run = consumer.run((event) => void seen.push(event), { signal: done.signal });
  await database.tick();
  await eventually(() => seen.length >= count || null, { what: `${count} events` }).finally(() => done.abort());
  await run;
  return seen;
}

describe.each([15, 18])('on PostgreSQL %i', (major) => {
  test('what is sent in a transaction that commits arrives typed, what is rolled back does not', async () => {
    const { database, queue, pool } = await mailQueue(major);
    const consumer = queue.consumer({ name: 'mailer', database: pool });
    expect([await consumer.register(), await consumer.register()]).toEqual([true, false]);
    const client = await pool.connect();
    await client.query('BEGIN');
    await queue.send(client, { to: 'nobody' });
    await client.query('ROLLBACK');
    await client.query('BEGIN');
    const id = await queue.send(client, { to: 'a@b.c' }, { extra: ['one'] });
    await client.query('COMMIT');
    client.release();
    const seen = await consume(database, consumer, 1);
    expect(seen).toMatchObject([
      { id, type: queue.name, payload: { to: 'a@b.c', size: 1 }, attempt: 1, data: '{"to":"a@b.c"}' },
    ]);
    expect(seen[0]?.extra).toEqual(['one', null, null, null]);
    expect(Math.abs(Date.now() - (seen[0]?.time.getTime() ?? 0))).toBeLessThan(600_000);
    expectTypeOf(seen[0]?.payload).toEqualTypeOf<{ to: string; size: number } | undefined>();
  });
});

test('many are sent in order by one call, from any iterable, all or nothing on a pool', async () => {
  const { database, queue, pool } = await mailQueue();
  const consumer = queue.consumer({ name: 'c', database: pool });
  await consumer.register();
  const ids = await queue.sendMany(
    pool,
    Array.from({ length: 4_500 }, (_, n) => ({ to: `${n}` })),
  );
  expect(new Set(ids).size).toBe(4_500);
  async function* bad() {
    for (let n = 0; n < 2_500; n += 1) yield { to: `more ${n}` };
    yield { to: 5 } as unknown as { to: string };
  }
  await expect(queue.sendMany(pool, bad())).rejects.toMatchObject({ code: queueCodes.BAD_PAYLOAD });
  const seen = await consume(database, consumer, 4_500);
  expect(seen.map((event) => event.payload.to)).toEqual(Array.from({ length: 4_500 }, (_, n) => `${n}`));
  expect(seen.map((event) => event.id)).toEqual(ids);
});

test('what does not fit the schema, or JSON, is refused before anything is sent', async () => {
  const { queue, pool } = await mailQueue();
  const refused = { code: queueCodes.BAD_PAYLOAD };
  await expect(queue.send(pool, { to: 1 } as never)).rejects.toMatchObject(refused);
  await expect(queue.send(pool, (() => 1) as never)).rejects.toMatchObject(refused);
  const events = defineQueue({ name: queue.name, events: { paid: z.object({ at: z.date() }) } });
  // A Date becomes text on its way: the consumer would not see what the schema says.
  await expect(events.send(pool, 'paid', { at: new Date() })).rejects.toMatchObject(refused);
  await expect(events.send(pool, 'unknown' as never, {} as never)).rejects.toMatchObject({ code: queueCodes.USAGE });
  await expect(defineQueue({ name: 'not there' }).send(pool, 'x')).rejects.toMatchObject({
    code: queueCodes.NOT_FOUND,
  });
});

test('numbers beyond 2^53 keep every digit on both sides', async () => {
  const database = await queueDatabase();
  const queue = defineQueue({ name: database.name, schema: z.object({ n: z.bigint(), list: z.array(z.number()) }) });
  const pool = database.pool();
  await queue.create(pool);
  const consumer = queue.consumer({ name: 'c', database: pool });
  await consumer.register();
  const payload = { n: 9_223_372_036_854_775_807n, list: [1, 0.25, 1e300] };
  await queue.send(pool, payload);
  expect((await consume(database, consumer, 1))[0]?.payload).toEqual(payload);
});

test('a handler for each type gets that type alone, and the server leaves the others out', async () => {
  const database = await queueDatabase();
  const pool = database.pool();
  const shop = defineQueue({
    name: database.name,
    events: { placed: z.object({ id: z.int() }), paid: z.object({ amount: z.string() }), "odd'type": z.null() },
  });
  await shop.create(pool);
  const consumer = shop.consumer({ name: 'c', database: pool });
  await consumer.register();
  await shop.sendMany(pool, [
    { type: 'placed', payload: { id: 1 } },
    { type: 'paid', payload: { amount: '1.10' } },
    { type: "odd'type", payload: null },
  ]);
  await database.tick();
  const seen: unknown[] = [];
  const run = consumer.run({
    placed: (event) => void seen.push(event.payload.id),
    "odd'type": (event) => void seen.push(event.payload),
  });
  await eventually(() => seen.length === 2);
  await consumer.close();
  await run;
  expect(seen).toEqual([1, null]);
  expect((await shop.deadLetters(pool).list()).length).toBe(0);
});

test('batches come by for await; the next one finishes the last, leaving the loop gives it back', async () => {
  const { database, queue, pool } = await mailQueue();
  const consumer = queue.consumer({ name: 'c', database: pool });
  await consumer.register();
  for (const to of ['a', 'b']) {
    await queue.send(pool, { to });
    await database.tick();
  }
  const pass = async (leaveAt: string, finish: boolean) => {
    const seen: string[] = [];
    for await (const batch of consumer.batches()) {
      for await (const event of batch) seen.push(event.payload.to);
      if (seen.at(-1) !== leaveAt) continue;
      if (finish) await batch.finish();
      break;
    }
    return seen;
  };
  expect(await pass('a', false)).toEqual(['a']);
  expect(await pass('b', false)).toEqual(['a', 'b']);
  expect(await pass('b', true)).toEqual(['b']);
  expect(await consumer.info()).toMatchObject({ openBatch: null });
});

test('a position is moved to a tick, a time, the oldest and the newest end', async () => {
  const { database, queue, pool } = await mailQueue();
  const consumer = queue.consumer({ name: 'c', database: pool });
  await consumer.register();
  await queue.send(pool, { to: 'first' });
  await database.tick();
  const [between] = (await database.query('SELECT clock_timestamp() AS t, max(tick_id) AS tick FROM pgq.tick')).rows;
  await queue.send(pool, { to: 'second' });
  await database.tick();
  const after = async (to: Parameters<typeof consumer.seek>[0], count: number) => {
    await consumer.seek(to);
    return (await consume(database, consumer, count)).map((event) => event.payload.to);
  };
  expect(await after('oldest', 2)).toEqual(['first', 'second']);
  expect(await after({ time: between.t }, 1)).toEqual(['second']);
  await consumer.seek('newest');
  await queue.send(pool, { to: 'third' });
  expect((await consume(database, consumer, 1)).map((event) => event.payload.to)).toEqual(['third']);
  await expect(consumer.seek({ tick: 4_711 })).rejects.toMatchObject({ code: queueCodes.NOT_FOUND });
  expect(await consumer.unregister()).toBe(true);
  await expect(consumer.info()).rejects.toMatchObject({ code: queueCodes.NOT_FOUND });
});

import { eventually } from '@millrace/testkit';
import type pg from 'pg';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { queueDatabase, targetDatabase } from '../../test/database.ts';
import { defineQueue, queueCodes } from '../mod.ts';

const Job = z.object({ n: z.int() });

async function jobs(names: readonly number[] = []) {
  const database = await queueDatabase();
  const queue = defineQueue({ name: database.name, schema: Job });
  const pool = database.pool();
  await queue.create(pool);
  await pool.query('CREATE TABLE done (n int, pid int)');
  await queue.consumer({ name: 'c', database: pool }).register();
  await queue.sendMany(
    pool,
    names.map((n) => ({ n })),
  );
  await database.tick();
  const done = async (of: pg.Pool = pool) => (await of.query('SELECT n FROM done ORDER BY n')).rows.map((row) => row.n);
  return { database, queue, pool, done };
}

const drained = async (consumer: { info(): Promise<{ pendingEvents: bigint; openBatch: bigint | null }> }) => {
  const info = await consumer.info();
  return (info.pendingEvents <= 0n && info.openBatch === null) || null;
};

test('an event whose handler throws is retried, then set aside with its reason, and can be put back or dropped', async () => {
  const { database, queue, pool } = await jobs([1, 2, 3]);
  const attempts: string[] = [];
  const errors: string[] = [];
  const consumer = queue.consumer({
    name: 'c',
    database: pool,
    retries: { max: 2 },
    onError: (error, event) => void errors.push(`${event?.attempt}: ${error.message}`),
  });
  let broken = true;
  const run = consumer.run((event) => {
    attempts.push(`${event.payload.n}/${event.attempt}`);
    if (broken && event.payload.n === 2) throw new TypeError('not today');
  });
  for (const at of ['2/1', '2/2', '2/3']) {
    await eventually(() => attempts.includes(at));
    await eventually(() => drained(consumer));
    await database.retryNow();
  }
  expect(attempts).toEqual(['1/1', '2/1', '3/1', '2/2', '2/3']);
  expect(errors).toEqual(['1: not today', '2: not today', '3: not today']);
  const letters = queue.deadLetters(pool);
  const [letter, ...more] = await letters.list();
  expect(more).toEqual([]);
  expect(letter).toMatchObject({ consumer: 'c', reason: 'TypeError: not today', attempt: 3, data: '{"n":2}' });
  expect(await letters.list()).toHaveLength(1);

  broken = false;
  expect(await letters.putBack({ ids: [4_711] })).toBe(0);
  expect(await letters.putBack({ consumer: 'c' })).toBe(1);
  expect(await letters.putBack()).toBe(0);
  await database.retryNow();
  await eventually(() => attempts.filter((one) => one === '2/1').length === 2);
  await consumer.close();
  await run;
});

test('letters that are not chosen stay when others are dropped', async () => {
  const { database, queue, pool } = await jobs([1, 2, 3]);
  const consumer = queue.consumer({ name: 'c', database: pool });
  const run = consumer.run((event, { deadLetter }) => deadLetter(`number ${event.payload.n}`));
  await eventually(() => drained(consumer));
  await consumer.close();
  await run;
  await database.tick();
  const letters = queue.deadLetters(pool);
  expect(await letters.drop((one) => one.reason === 'number 2')).toBe(1);
  await database.tick();
  expect((await letters.list()).map((one) => one.reason)).toEqual(['number 1', 'number 3']);
  expect(await letters.list({ limit: 1 })).toHaveLength(1);
});

test('what does not fit the schema becomes a dead letter, or ends the run, as the consumer is configured', async () => {
  const { database, queue, pool } = await jobs([1]);
  await pool.query(`SELECT pgq.insert_event($1, 'x', 'no json'), pgq.insert_event($1, 'x', '{"n":"one"}')`, [
    queue.name,
  ]);
  await database.tick();
  const strict = queue.consumer({ name: 'c', database: pool, invalid: 'stop' });
  const seen: number[] = [];
  await expect(strict.run((event) => void seen.push(event.payload.n))).rejects.toMatchObject({
    code: queueCodes.BAD_PAYLOAD,
  });
  const lenient = queue.consumer({ name: 'c', database: pool });
  const run = lenient.run(() => {});
  await eventually(() => drained(lenient));
  await lenient.close();
  await run;
  await database.tick();
  expect((await queue.deadLetters(pool).list()).map((one) => one.reason)).toEqual([
    'the payload is not JSON',
    'the payload does not fit its schema: n: Invalid input: expected number, received string',
  ]);
});

test('without a queue for dead letters the batch stays open and the run says what is missing', async () => {
  const { queue, pool } = await jobs([1]);
  await pool.query('SELECT pgq.drop_queue($1, true)', [`${queue.name}.dead`]);
  const consumer = queue.consumer({ name: 'c', database: pool });
  await expect(consumer.run((_event, { deadLetter }) => deadLetter('why'))).rejects.toMatchObject({
    code: queueCodes.NO_DEAD_LETTER_QUEUE,
  });
  expect((await consumer.info()).openBatch).not.toBeNull();
});

test('exactly once: what a failed handler did is undone alone, over many pieces, and the batch commits with the work', async () => {
  const count = 3_000;
  const { database, queue, pool, done } = await jobs(Array.from({ length: count }, (_, n) => n));
  const options = { name: 'c', database: pool, exactlyOnce: true, memory: { events: 200 } } as const;
  const consumer = queue.consumer(options);
  const fails = (n: number) => n % 3 === 0;
  const run = consumer.run(async (event, { client }) => {
    await client.query('INSERT INTO done VALUES ($1)', [event.payload.n]);
    if (event.attempt === 1 && event.payload.n % 300 === 1) await client.query('SELECT 1 / 0').catch(() => {});
    if (event.attempt === 1 && fails(event.payload.n)) throw new Error('later');
  });
  await eventually(() => drained(consumer), { timeoutMs: 60_000 });
  const first = Array.from({ length: count }, (_, n) => n).filter((n) => !fails(n) && n % 300 !== 1);
  expect(await done()).toEqual(first);
  await database.retryNow();
  await eventually(async () => (await done()).length === count, { timeoutMs: 60_000 });
  await consumer.close();
  await run;
});

test('exactly once into another database: a crash between its commit and the end of the batch repeats nothing', async () => {
  const { database, queue, pool } = await jobs([1, 2, 3, 4]);
  const target = await targetDatabase();
  const into = target.pool();
  await into.query('CREATE TABLE done (n int)');
  const consumer = queue.consumer({ name: 'c', database: pool, exactlyOnce: { into } });
  let crashed = false;
  // The queue's session ends just before the batch is finished there: after the other database has committed.
  await pool.query(`CREATE FUNCTION crash() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF NEW.sub_batch IS NULL AND nextval('crashes') = 1 THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF;
    RETURN NEW; END $$`);
  await pool.query('CREATE SEQUENCE crashes; GRANT ALL ON SEQUENCE crashes TO public');
  await pool.query(`CREATE TRIGGER crash BEFORE UPDATE ON pgq.subscription FOR EACH ROW
    WHEN (OLD.sub_batch IS NOT NULL) EXECUTE FUNCTION public.crash()`);
  await pool.query(`ALTER FUNCTION crash() SET search_path = public`);
  const handled: string[] = [];
  const watched = queue.consumer({
    name: 'c',
    database: pool,
    exactlyOnce: { into },
    onError: (_error, event) => {
      crashed ||= event === undefined;
    },
  });
  const run = watched.run(async (event, { client, deadLetter }) => {
    handled.push(`${event.payload.n}/${event.attempt}`);
    await client.query('INSERT INTO done VALUES ($1)', [event.payload.n]);
    if (event.payload.n === 2 && event.attempt === 1) throw new Error('later');
    if (event.payload.n === 4) deadLetter('never');
  });
  await eventually(() => drained(consumer));
  expect(crashed).toBe(true);
  expect(handled).toEqual(['1/1', '2/1', '3/1', '4/1']);
  await database.retryNow();
  await eventually(() => handled.includes('2/2'));
  await eventually(() => drained(consumer));
  await watched.close();
  await run;
  expect((await into.query('SELECT n FROM done ORDER BY n')).rows.map((row) => row.n)).toEqual([1, 2, 3, 4]);
  expect(await queue.deadLetters(pool).list()).toMatchObject([{ data: '{"n":4}' }]);
});

test('an abort ends the run after the event at hand and the batch comes again; close lets the batch end', async () => {
  const { queue, pool } = await jobs([1, 2, 3]);
  const stop = new AbortController();
  const seen: number[] = [];
  const first = queue.consumer({ name: 'c', database: pool });
  await first.run(
    (event) => {
      seen.push(event.payload.n);
      if (event.payload.n === 2) stop.abort();
    },
    { signal: stop.signal },
  );
  expect(seen).toEqual([1, 2]);
  const second = queue.consumer({ name: 'c', database: pool });
  await second.run(async (event) => {
    if (event.payload.n === 1) void second.close();
    seen.push(event.payload.n);
  });
  expect(seen).toEqual([1, 2, 1, 2, 3]);
  expect(await drained(second)).toBe(true);
});

test('no more is read than is requested, and no transaction is open while a batch that fits memory is worked on', async () => {
  const { queue, pool } = await jobs(Array.from({ length: 1_000 }, (_, n) => n));
  const open = async () =>
    (
      await pool.query(
        `SELECT 1 FROM pg_stat_activity WHERE state = 'idle in transaction' AND datname = current_database()`,
      )
    ).rowCount;
  for (const events of [2_000, 10]) {
    const consumer = queue.consumer({ name: 'c', database: pool, memory: { events } });
    for await (const batch of consumer.batches()) {
      let seen = 0;
      for await (const _event of batch) {
        seen += 1;
        // A hundred first, five times as many, then all the rest.
        if (events > 1_000 && seen === 999) expect(await open()).toBe(0);
        if (events === 10 && seen === 11) expect(await open()).toBe(1);
      }
      expect(seen).toBe(1_000);
      break;
    }
  }
});

test('several handlers work concurrently where order does not matter', async () => {
  const { queue, pool } = await jobs([1, 2, 3, 4, 5]);
  let running = 0;
  let most = 0;
  const seen: number[] = [];
  const consumer = queue.consumer({ name: 'c', database: pool, concurrency: 3 });
  const gate = Promise.withResolvers<void>();
  const run = consumer.run(async (event) => {
    running += 1;
    most = Math.max(most, running);
    if (running === 3) gate.resolve();
    await gate.promise;
    running -= 1;
    seen.push(event.payload.n);
  });
  await eventually(() => drained(consumer));
  await consumer.close();
  await run;
  expect(most).toBe(3);
  expect(seen.sort()).toEqual([1, 2, 3, 4, 5]);
});

test('of two processes of one consumer one works, and the other goes on when its session ends', async () => {
  const { database, queue, pool } = await jobs([1]);
  const seen: string[] = [];
  const consumers = ['a', 'b'].map((name) => {
    const consumer = queue.consumer({ name: 'c', database: database.pool(), onError: () => {} });
    return { consumer, run: consumer.run((event) => void seen.push(`${name}${event.payload.n}`)) };
  });
  await eventually(() => seen.length === 1);
  const leader = seen[0]?.[0];
  await pool.query(`SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted AND pid <> pg_backend_pid()
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`);
  await queue.send(pool, { n: 2 });
  await database.tick();
  await eventually(() => seen.length === 2);
  expect(leader === 'a' || leader === 'b').toBe(true);
  for (const { consumer, run } of consumers) {
    await consumer.close();
    await run;
  }
});

test('options that cannot work together are refused', async () => {
  const { queue, pool } = await jobs();
  const wrong = { code: queueCodes.USAGE };
  const make = (more: object) => () => queue.consumer({ name: 'c', database: pool, ...more });
  expect(make({ takeOverAfterMs: 1 })).toThrow(expect.objectContaining(wrong));
  expect(make({ subconsumer: 's', takeOverAfterMs: 1, exactlyOnce: { into: pool } })).toThrow(
    expect.objectContaining(wrong),
  );
  expect(make({ concurrency: 2, exactlyOnce: true })).toThrow(expect.objectContaining(wrong));
  expect(make({ memory: { events: 0 } })).toThrow(expect.objectContaining(wrong));
});

test('events that fail while others are being set aside are set aside as well', async () => {
  const count = 700;
  const { database, queue } = await jobs(Array.from({ length: count }, (_, n) => n));
  const pool = database.pool();
  const writing = Promise.withResolvers<void>();
  pool.on('connect', (client) => {
    const query = client.query.bind(client) as (...args: unknown[]) => unknown;
    (client as { query: unknown }).query = (...args: unknown[]) => {
      if ((args[0] as { text?: string }).text?.includes('pgq.event_retry')) writing.resolve();
      return query(...args);
    };
  });
  const consumer = queue.consumer({ name: 'c', database: pool, concurrency: 2 });
  // Pieces of a hundred and five hundred; what is set aside is written after the second, while its last event is worked on.
  const run = consumer.run(async (event) => {
    if (event.payload.n === 599) await writing.promise;
    throw new Error('later');
  });
  await eventually(() => drained(consumer));
  await consumer.close();
  await run;
  expect((await pool.query('SELECT 1 FROM pgq.retry_queue')).rowCount).toBe(count);
});

test('exactly once into another database: one that comes late to it does not repeat what others have done', async () => {
  const { database, queue, pool } = await jobs([1]);
  const target = await targetDatabase();
  const into = target.pool();
  await into.query('CREATE TABLE done (n int)');
  const narrow = target.pool();
  narrow.options.max = 1;
  const held = await narrow.connect();
  const errors: unknown[] = [];
  const start = (to: pg.Pool) => {
    const consumer = queue.consumer({
      name: 'c',
      database: pool,
      // No leader: both work concurrently.
      pooler: true,
      exactlyOnce: { into: to },
      onError: (error) => void errors.push((error as { code?: string }).code),
    });
    const run = consumer.run((event, { client }) => client.query('INSERT INTO done VALUES ($1)', [event.payload.n]));
    return { consumer, run };
  };
  const late = start(narrow);
  await eventually(() => narrow.waitingCount > 0);
  const other = start(into);
  await eventually(() => drained(other.consumer));
  await queue.send(pool, { n: 2 });
  await database.tick();
  const rows = async () => (await into.query('SELECT n FROM done ORDER BY n')).rows.map(({ n }) => n);
  await eventually(async () => (await rows()).length === 2 && (await drained(other.consumer)));
  held.release();
  await eventually(() => errors.length > 0);
  for (const { consumer, run } of [late, other]) {
    await consumer.close();
    await run;
  }
  expect(errors).toEqual([queueCodes.BATCH_LOST]);
  expect(await rows()).toEqual([1, 2]);
});

test('an event that died twice is put back once', async () => {
  const { database, queue, pool } = await jobs([1]);
  const consumer = queue.consumer({ name: 'c', database: pool });
  const run = consumer.run((_event, { deadLetter }) => deadLetter('why'));
  await eventually(() => drained(consumer));
  await consumer.close();
  await run;
  await pool.query(
    `SELECT pgq.insert_event($1, e.ev_type, e.ev_data, e.ev_extra1, e.ev_extra2, e.ev_extra3, e.ev_extra4)
    FROM pgq.queue q, pgq.event_template e WHERE q.queue_name = $1 AND e.tableoid::regclass::text LIKE q.queue_data_pfx || '%'`,
    [`${queue.name}.dead`],
  );
  await database.tick();
  const letters = queue.deadLetters(pool);
  expect(await letters.list()).toHaveLength(2);
  expect(await letters.putBack()).toBe(2);
  expect((await pool.query('SELECT 1 FROM pgq.retry_queue')).rowCount).toBe(1);
});

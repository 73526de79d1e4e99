import { codes } from '@millrace/errors';
import { startOwnPostgres } from '@millrace/testkit';
import { describe, expect, test } from 'vitest';
import { own, session, value } from '../../test/owned-database.ts';
import { newest, put, queue, queueFixture, readBatch, readBatches } from '../../test/queue-fixture.ts';
import {
  addSequence,
  createSet,
  forceTick,
  installProvider,
  intervalsAfter,
  lastTick,
  tick,
  tickInfo,
} from '../mod.ts';

describe.each([15, 18])('on PostgreSQL %i', (major) => {
  test('a tick is due for the very first event, and for nothing else', async () => {
    const { client } = await queueFixture(major);
    expect(await tick(client, queue)).toBeNull();
    await put(client, 'a');
    const made = await tick(client, queue);
    expect(made).toMatchObject({ tick: 2, newEvents: 1 });
    expect(made?.fingerprint).toMatch(/^[0-9a-f]{32}$/);
    expect(made?.time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    expect(await tick(client, queue)).toBeNull();
    expect(await readBatches(client)).toEqual([['a']]);
  });

  test('an event that is committed after the tick that counted its id makes the next tick due', async () => {
    const { client, open } = await queueFixture(major);
    const slow = await open();
    await slow.query('BEGIN');
    await put(slow, 'slow');
    expect(await tick(client, queue)).toMatchObject({ tick: 2 });
    expect(await tick(client, queue)).toBeNull();
    await slow.query('COMMIT');
    expect(await tick(client, queue)).toMatchObject({ tick: 3, newEvents: 0 });
    expect(await tick(client, queue)).toBeNull();
    expect(await readBatches(client)).toEqual([[], ['slow']]);
  });

  test('transactions on other tables do not make a tick due', async () => {
    const { client, open } = await queueFixture(major);
    const slow = await open();
    await slow.query('CREATE TABLE public.other (x int)');
    await forceTick(client, queue);
    await slow.query('BEGIN');
    await slow.query('INSERT INTO public.other VALUES (1)');
    await client.query('INSERT INTO public.other VALUES (1)');
    await forceTick(client, queue);
    await slow.query('COMMIT');
    expect(await tick(client, queue)).toBeNull();
  });

  test('a second ticker that waited for the lock takes a newer snapshot than the first', async () => {
    const { client, open } = await queueFixture(major);
    const first = await open();
    await first.query('BEGIN');
    await first.query('SELECT millrace.lock_ticks($1)', [queue]);
    const waiting = await open();
    const second = forceTick(waiting, queue);
    await put(client, 'between');
    await first.query('SELECT millrace.force_tick($1)', [queue]);
    await put(client, 'after');
    await first.query('COMMIT');
    expect((await second).tick).toBe(3);
    expect(await readBatches(client)).toEqual([['between'], ['after']]);
  });

  test('four tickers and four writers: every event is in exactly one batch and the snapshots form a chain', async () => {
    const { client, open } = await queueFixture(major);
    let writing = true;
    const write = async (writer: number) => {
      const own = await open();
      for (let i = 0; i < 60; i += 1) {
        await own.query('BEGIN');
        await put(own, `${writer}:${i}`);
        if (i % 7 === 3) await own.query('SELECT pg_sleep(0.01)');
        await own.query(i % 5 === 4 ? 'ROLLBACK' : 'COMMIT');
      }
    };
    const tickOn = async () => {
      const own = await open();
      while (writing) await tick(own, queue);
    };
    const tickers = [tickOn(), tickOn(), tickOn(), tickOn()];
    await Promise.all([0, 1, 2, 3].map(write));
    writing = false;
    await Promise.all(tickers);
    await forceTick(client, queue);
    const seen = (await readBatches(client)).flat();
    expect(seen).toHaveLength(4 * 48);
    expect(new Set(seen).size).toBe(4 * 48);
    const broken = `SELECT count(*) FROM (SELECT tick_snapshot AS s, lag(tick_snapshot) OVER (ORDER BY tick_id) AS p FROM pgq.tick) AS t
      WHERE NOT millrace.snapshot_contains(s, p)`;
    expect(await value(client, broken)).toBe('0');
  });

  test('a REPEATABLE READ transaction may not tick', async () => {
    const { client } = await queueFixture(major);
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
    await expect(forceTick(client, queue)).rejects.toMatchObject({ sqlstate: 'MR003' });
    await client.query('ROLLBACK');
    expect(await newest(client)).toBe(1);
  });

  test('a sequence that moves is in the batch of the very tick that notices it', async () => {
    const { client } = await queueFixture(major);
    await client.query('CREATE SEQUENCE public."Odd name"');
    expect(await addSequence(client, queue, { schema: 'public', name: 'Odd name' })).toBe(true);
    expect(await addSequence(client, queue, { schema: 'public', name: 'Odd name' })).toBe(false);
    const steps = [`SELECT 1`, `SELECT nextval('public."Odd name"')`, `SELECT setval('public."Odd name"', 7, false)`];
    const expected = [
      ['1', false],
      ['1', true],
      ['7', false],
    ];
    for (const [i, step] of steps.entries()) {
      await client.query(step);
      const made = await tick(client, queue);
      if (made === null) throw new Error('no tick');
      const [data] = await readBatch(client, made.tick - 1, made.tick);
      const [last_value, is_called] = expected[i] ?? [];
      expect(JSON.parse(data ?? '')).toEqual([{ schema: 'public', name: 'Odd name', last_value, is_called }]);
      expect(await tick(client, queue)).toBeNull();
    }
    await client.query(`SELECT setval('public."Odd name"', 9, false)`);
    expect(await tick(client, queue)).toBeNull();
    expect((await forceTick(client, queue)).newEvents).toBe(1);
  });

  test('a sequence that somebody alters does not hold up the ticks; made again it is followed again', async () => {
    const { client, open } = await queueFixture(major);
    await client.query('CREATE SEQUENCE public.s');
    await addSequence(client, queue, { schema: 'public', name: 's' });
    await forceTick(client, queue);
    const migration = await open();
    await migration.query('BEGIN');
    await migration.query('DROP SEQUENCE public.s');
    await put(client, 'a');
    expect((await tick(client, queue))?.tick).toBe(3);
    await migration.query('COMMIT');
    expect(await tick(client, queue)).toBeNull();
    await client.query('CREATE SEQUENCE public.s START 5');
    expect((await tick(client, queue))?.newEvents).toBe(1);
    expect((await readBatch(client, 3, 4))[0]).toContain('"last_value": "5"');
  });

  test('a sequence that may not be read any more, or was dropped, keeps neither ticks nor other sequences', async () => {
    const { client } = await queueFixture(major);
    for (const name of ['closed', 'free', 'gone']) {
      await client.query(`CREATE SEQUENCE public.${name}`);
      await addSequence(client, queue, { schema: 'public', name });
    }
    const { tick: before } = await forceTick(client, queue);
    await client.query(`REVOKE SELECT, USAGE ON SEQUENCE public.closed FROM CURRENT_USER; DROP SEQUENCE public.gone`);
    await client.query(`SELECT setval('public.closed', 7), setval('public.free', 8)`);
    const made = await tick(client, queue);
    expect(made?.newEvents).toBe(1);
    const [moved] = await readBatch(client, before, made?.tick ?? 0);
    expect(moved).toContain('"last_value": "8"');
    expect(moved).not.toContain('closed');
    expect(await tick(client, queue)).toBeNull();
    // Another one under the dropped one's name, which may not be read either; then it may.
    await client.query(
      'CREATE SEQUENCE public.gone START 3; REVOKE SELECT, USAGE ON SEQUENCE public.gone FROM CURRENT_USER',
    );
    expect(await tick(client, queue)).toBeNull();
    await client.query('GRANT SELECT ON SEQUENCE public.gone, public.closed TO CURRENT_USER');
    expect((await tick(client, queue))?.newEvents).toBe(1);
    expect(await tick(client, queue)).toBeNull();
  });

  test('idle ticks come when the idle period is over; a paused queue has none', async () => {
    const { client } = await queueFixture(major);
    const older = `UPDATE pgq.tick SET tick_time = tick_time - interval '1 hour'`;
    await client.query(older);
    expect(await tick(client, queue)).toMatchObject({ newEvents: 0 });
    expect(await tick(client, queue)).toBeNull();
    await client.query(older);
    await client.query(`SELECT pgq.set_queue_config($1, 'ticker_paused', 'true')`, [queue]);
    expect(await tick(client, queue)).toBeNull();
  });

  test('the chain of ticks carries fingerprints that tick_info confirms', async () => {
    const { client } = await queueFixture(major);
    for (let i = 0; i < 5; i += 1) await forceTick(client, queue);
    const chain = await intervalsAfter(client, queue, 2, 3);
    expect(chain.map((t) => [t.prev.tick, t.tick.tick])).toEqual([
      [2, 3],
      [3, 4],
      [4, 5],
    ]);
    expect(chain[0]?.tick.fingerprint).toBe(chain[1]?.prev.fingerprint);
    expect(await tickInfo(client, queue, 4)).toMatchObject({
      tick: 4,
      fingerprint: chain[1]?.tick.fingerprint,
      time: chain[1]?.tick.time,
    });
    expect(await tickInfo(client, queue, 400)).toBeNull();
    expect((await lastTick(client, queue))?.tick).toBe(6);
    expect(await intervalsAfter(client, queue, 6, 10)).toEqual([]);
    await expect(intervalsAfter(client, queue, 400, 10)).rejects.toMatchObject({ code: codes.POSITION });
    await expect(tick(client, 'nosuch')).rejects.toMatchObject({ code: codes.NOT_FOUND });
  });

  test('a queue restored into another or an older cluster does not tick', async () => {
    const { client } = await queueFixture(major);
    await client.query(`UPDATE pgq.tick SET tick_snapshot = '900000000:900000000:'`);
    await expect(forceTick(client, queue)).rejects.toMatchObject({ code: codes.PROVIDER_HISTORY });
    await client.query(`UPDATE pgq.tick SET tick_snapshot = '1:1:'`);
    await forceTick(client, queue);
    await client.query(`UPDATE millrace.set SET system_identifier = '42'`);
    await expect(forceTick(client, queue)).rejects.toMatchObject({ code: codes.PROVIDER_HISTORY });
  });
});

test("a tick makes what its batch holds durable, though nobody's session waits for commits", async () => {
  const server = await startOwnPostgres({
    settings: { wal_writer_delay: '10s', synchronous_commit: 'off', fsync: 'on' },
  });
  const database = await own(server.url, 'postgres');
  const client = await database.open();
  await installProvider(client);
  await createSet(client, queue);
  await put(client, 'kept');
  await forceTick(client, queue);
  await put(client, 'perhaps lost');
  await server.kill('SIGKILL');
  await server.start();
  const again = await session(database.url);
  expect(await newest(again)).toBe(2);
  expect(await readBatch(again, 1, 2)).toEqual(['kept']);
});

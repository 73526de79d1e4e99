import { codes } from '@millrace/errors';
import { describe, expect, test } from 'vitest';
import { value } from '../../test/owned-database.ts';
import { newest, put, queue, queueFixture, readBatch, rotate } from '../../test/queue-fixture.ts';
import {
  forceTick,
  intervalsAfter,
  isWhole,
  lastTick,
  moveRetries,
  registerSubscriber,
  reportPosition,
  runMaintenance,
  tick,
} from '../mod.ts';

describe.each([15, 18])('on PostgreSQL %i', (major) => {
  test('the worked example of the contract: which transactions are between two snapshots', async () => {
    const { client } = await queueFixture(major);
    await client.query(`INSERT INTO pgq.event_1_1 (ev_id, ev_time, ev_txid, ev_data)
      SELECT x, now(), x, x::text FROM generate_series(95, 115) AS x`);
    const text = await value(
      client,
      `SELECT millrace.interval_sql('pgq.event_1', '101:105:101,103', '107:110:107', 'ev_id, ev_data', 'ev_owner IS NULL')`,
    );
    expect(text).toContain('BETWEEN 101 AND 110');
    expect(text).not.toContain('UNION');
    const rows = (await client.query(text)).rows.map((row) => Number(row.ev_data));
    expect(rows).toEqual([101, 103, 105, 106, 108, 109]);
  });

  test('a transaction that ran long is named alone, and costs no scan back to its start', async () => {
    const { client } = await queueFixture(major);
    await client.query(`INSERT INTO pgq.event_1_0 (ev_id, ev_time, ev_txid, ev_data)
      SELECT x, now(), x, x::text FROM generate_series(1, 2100) AS x`);
    const text = await value(
      client,
      `SELECT millrace.interval_sql('pgq.event_1', '5:2000:5,7,1950', '7:2010:7,2005', 'ev_id, ev_data', 'ev_owner IS NULL')`,
    );
    expect(text).toContain('BETWEEN 1950 AND 2010');
    expect(text).toContain('IN (5)');
    const rows = (await client.query(text)).rows.map((row) => Number(row.ev_data));
    expect(rows).toEqual([5, 1950, 2000, 2001, 2002, 2003, 2004, 2006, 2007, 2008, 2009]);
  });

  test('a transaction that stays open over many rotations arrives whole when it commits', async () => {
    const { client, open } = await queueFixture(major);
    const slow = await open();
    await registerSubscriber(client, queue, 'eu');
    await slow.query('BEGIN');
    await put(slow, 'slow 1');
    const tables = [];
    for (let i = 0; i < 6; i += 1) {
      await put(client, `fast ${i}`);
      await reportPosition(client, queue, 'eu', await forceTick(client, queue));
      tables.push(await rotate(client));
    }
    // As far as the table that it wrote to, though it holds back every snapshot's xmin.
    expect(tables).toEqual([1, 2, 2, 2, 2, 2]);
    const from = await newest(client);
    await put(slow, 'slow 2');
    await slow.query('COMMIT');
    expect(await rotate(client)).toBe(2);
    await forceTick(client, queue);
    expect(await readBatch(client, from, await newest(client))).toEqual(['slow 1', 'slow 2']);
  });

  test('tables rotate as far as the slowest subscriber has come, and no event it lacks is thrown away', async () => {
    const { client } = await queueFixture(major);
    await registerSubscriber(client, queue, 'slow');
    const start = await newest(client);
    for (let i = 0; i < 8; i += 1) {
      await put(client, `event ${i}`);
      await forceTick(client, queue);
      await rotate(client);
    }
    expect(await readBatch(client, start, await newest(client))).toEqual(
      Array.from({ length: 8 }, (_, i) => `event ${i}`),
    );
    const last = await lastTick(client, queue);
    if (last === null) throw new Error('no tick');
    expect(await reportPosition(client, queue, 'slow', last)).toBe('ok');
    const before = await rotate(client);
    await forceTick(client, queue);
    const now = await lastTick(client, queue);
    if (now === null) throw new Error('no tick');
    await reportPosition(client, queue, 'slow', now);
    expect(await rotate(client)).not.toBe(before);
  });

  test('a REPEATABLE READ writer that saw an older current table keeps its event through three rotations', async () => {
    const { client, open } = await queueFixture(major);
    await registerSubscriber(client, queue, 'eu');
    const follow = async () => {
      const last = await forceTick(client, queue);
      await reportPosition(client, queue, 'eu', last);
    };
    const old = await open();
    await old.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
    await old.query('SELECT 1');
    await follow();
    expect(await rotate(client)).toBe(1);
    await follow();
    expect(await rotate(client)).toBe(2);
    const from = await newest(client);
    // Its snapshot says table 0, which is the next one to be emptied.
    await put(old, 'from the past');
    await old.query('COMMIT');
    expect(await rotate(client)).toBe(2);
    await forceTick(client, queue);
    expect(await readBatch(client, from, await newest(client))).toEqual(['from the past']);
    await follow();
    expect(await rotate(client)).toBe(0);
    // The ticks that do not show it are gone: nobody can be set back to before it and miss it.
    expect(await value(client, 'SELECT min(tick_id) > $1 FROM pgq.tick', [from])).toBe(true);
  });

  test('rotation does not wait for a reader of the table it would empty', async () => {
    const { client, open } = await queueFixture(major);
    const dump = await open();
    await dump.query('BEGIN');
    await dump.query('LOCK TABLE pgq.event_1_1 IN ACCESS SHARE MODE');
    expect(await rotate(client)).toBe(0);
    await dump.query('COMMIT');
    expect(await rotate(client)).toBe(1);
  });

  test('rotation does not empty a table between asking for a batch and reading it', async () => {
    const { client, open } = await queueFixture(major);
    await put(client, 'wanted');
    await forceTick(client, queue);
    await rotate(client);
    await rotate(client);
    const reader = await open();
    await reader.query('BEGIN');
    const text = await intervalsAfter(reader, queue, 1, 1).catch((error) => error.code);
    expect(text).toBe(codes.POSITION);
    await reader.query('ROLLBACK');
    await registerSubscriber(client, queue, 'eu');
    await put(client, 'again');
    const last = await forceTick(client, queue);
    await reportPosition(client, queue, 'eu', last);
    await reader.query('BEGIN');
    const [interval] = await intervalsAfter(reader, queue, last.tick - 1, 1);
    for (let i = 0; i < 4; i += 1) {
      await rotate(client);
      await reportPosition(client, queue, 'eu', await forceTick(client, queue));
    }
    expect((await reader.query(interval?.sql ?? '')).rows.map((row) => row.ev_data)).toEqual(['again']);
    await reader.query('COMMIT');
  });

  test('the second step counts only in a later transaction than the first', async () => {
    const { client } = await queueFixture(major);
    await client.query(`UPDATE pgq.queue SET queue_switch_time = queue_switch_time - interval '1 day'`);
    await client.query('BEGIN');
    await client.query('SELECT pgq.maint_rotate_tables_step1($1)', [queue]);
    await client.query('SELECT pgq.maint_rotate_tables_step2()');
    await client.query('COMMIT');
    expect(await value(client, 'SELECT queue_switch_step2 FROM pgq.queue')).toBeNull();
    await client.query('SELECT pgq.maint_rotate_tables_step2()');
    expect(await value(client, 'SELECT queue_switch_step2 > queue_switch_step1 FROM pgq.queue')).toBe(true);
  });

  test('writers of every isolation, a follower and endless rotation: every event once', async () => {
    const { client, open } = await queueFixture(major);
    const start = await registerSubscriber(client, queue, 'eu');
    const committed: string[] = [];
    let writing = true;
    const write = async (writer: number) => {
      const own = await open();
      for (let i = 0; i < 40; i += 1) {
        await own.query(`BEGIN ISOLATION LEVEL ${i % 2 === 0 ? 'REPEATABLE READ' : 'READ COMMITTED'}`);
        await own.query('SELECT txid_current_snapshot()');
        if (i % 3 === 0) await own.query('SELECT pg_sleep(random() * 0.1)');
        await put(own, `${writer}:${i}`);
        if (i % 4 === 1) await own.query('SELECT pg_sleep(random() * 0.05)');
        await own.query(i % 7 === 6 ? 'ROLLBACK' : 'COMMIT');
        if (i % 7 !== 6) committed.push(`${writer}:${i}`);
      }
    };
    const turn = async () => {
      const own = await open();
      let switches = 0;
      for (let last = 0; writing; ) {
        const now = await rotate(own);
        if (now !== last) switches += 1;
        last = now;
      }
      return switches;
    };
    const seen: string[] = [];
    const follow = async () => {
      const own = await open();
      for (let at = start.tick, more = true; more; ) {
        more = writing;
        await (more ? tick(own, queue) : forceTick(own, queue));
        for (const next of await intervalsAfter(own, queue, at, 10)) {
          seen.push(...(await readBatch(own, next.prev.tick, next.tick.tick)));
          expect(await reportPosition(own, queue, 'eu', next.tick)).toBe('ok');
          at = next.tick.tick;
        }
      }
    };
    const rotating = turn();
    const following = follow();
    await Promise.all([0, 1, 2, 3].map(write));
    writing = false;
    await following;
    expect(await rotating).toBeGreaterThan(3);
    expect(seen.sort()).toEqual(committed.sort());
  });

  test('the maintenance list rotates what is due, step by step, and is empty afterwards', async () => {
    const { client } = await queueFixture(major);
    expect(await runMaintenance(client)).toEqual([]);
    await client.query(`UPDATE pgq.queue SET queue_switch_time = queue_switch_time - interval '1 day'`);
    expect(await runMaintenance(client)).toEqual([
      { operation: 'pgq.maint_rotate_tables_step1', argument: queue, result: 'done' },
      { operation: 'pgq.maint_rotate_tables_step2', argument: null, result: 'done' },
    ]);
    expect(await runMaintenance(client)).toEqual([]);
    expect(await value(client, 'SELECT queue_cur_table FROM pgq.queue')).toBe(1);
  });

  test('a maintenance call that finds a lock taken or fails does not keep the others', async () => {
    const { client, open } = await queueFixture(major);
    await client.query(
      `CREATE SCHEMA nowhere; CREATE FUNCTION nowhere.nothing(text) RETURNS int LANGUAGE sql AS 'SELECT 1 / 0'`,
    );
    await client.query(`UPDATE pgq.queue SET queue_switch_time = queue_switch_time - interval '1 day',
      queue_extra_maint = '{nowhere.nothing}'`);
    const other = await open();
    await other.query('BEGIN');
    await other.query('SELECT FROM pgq.queue FOR SHARE');
    const outcomes = await runMaintenance(client, { lockTimeoutMs: 50 });
    expect(outcomes.map((o) => o.result)).toEqual(['later', 'done', 'failed']);
  });

  test('old ticks go with the rotation, never one that a subscriber stands on', async () => {
    const { client } = await queueFixture(major);
    const at = await registerSubscriber(client, queue, 'eu');
    for (let i = 0; i < 10; i += 1) await forceTick(client, queue);
    for (let i = 0; i < 3; i += 1) await rotate(client);
    expect(await value(client, 'SELECT count(*) FROM pgq.tick WHERE tick_id = $1', [at.tick])).toBe('1');
    for (let i = 0; i < 4; i += 1) {
      const last = await forceTick(client, queue);
      await reportPosition(client, queue, 'eu', last);
      await rotate(client);
    }
    expect(await value(client, 'SELECT count(*) FROM pgq.tick WHERE tick_id <= $1', [at.tick])).toBe('0');
  });

  test('a PgQ consumer gets its batch again until it finishes it, and a retried event alone', async () => {
    const { client } = await queueFixture(major);
    for (const name of ['one', 'two']) await client.query('SELECT pgq.register_consumer($1, $2)', [queue, name]);
    await put(client, 'a');
    await put(client, 'b');
    await forceTick(client, queue);
    const next = (name: string) => value(client, 'SELECT pgq.next_batch($1, $2)', [queue, name]);
    const data = async (batch: string) =>
      (await client.query('SELECT ev_data, ev_retry FROM pgq.get_batch_events($1)', [batch])).rows.map((r) => [
        r.ev_data,
        r.ev_retry,
      ]);
    const batch = await next('one');
    expect(await next('one')).toBe(batch);
    expect(await data(batch)).toEqual([
      ['a', null],
      ['b', null],
    ]);
    const event = 'SELECT pgq.event_retry($1, ev_id, 0) FROM pgq.get_batch_events($1) WHERE ev_data = $2';
    expect(await value(client, event, [batch, 'b'])).toBe(1);
    expect(await value(client, event, [batch, 'b'])).toBe(0);
    expect(await value(client, 'SELECT pgq.finish_batch($1)', [batch])).toBe(1);
    expect(await value(client, 'SELECT pgq.finish_batch($1)', [batch])).toBe(0);
    expect(await next('one')).toBeNull();
    expect(await moveRetries(client)).toBe(1);
    await forceTick(client, queue);
    expect(await data(await next('one'))).toEqual([['b', 1]]);
    const theirs = await next('two');
    expect(await data(theirs)).toEqual([
      ['a', null],
      ['b', null],
    ]);
    await client.query('SELECT pgq.finish_batch($1)', [theirs]);
    expect(await data(await next('two'))).toEqual([]);
    await expect(client.query('SELECT pgq.drop_queue($1)', [queue])).rejects.toThrow('consumers still attached');
  });

  test('rotation refuses to work with an old snapshot, which hides consumers and rows', async () => {
    const { client } = await queueFixture(major);
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
    const rotating = client.query('SELECT pgq.maint_rotate_tables_step1($1)', [queue]);
    await expect(rotating).rejects.toMatchObject({ code: 'MR003' });
    await client.query('ROLLBACK');
  });

  test('a clock that went back ten years stops neither rotation nor the ticks of an idle queue', async () => {
    const { client } = await queueFixture(major);
    await client.query(`UPDATE pgq.queue SET queue_switch_time = now() + interval '10 years'`);
    expect((await runMaintenance(client)).map((o) => o.result)).toEqual(['done', 'done']);
    expect(await value(client, 'SELECT queue_cur_table FROM pgq.queue')).toBe(1);
    expect(await runMaintenance(client)).toEqual([]);
    await client.query(`UPDATE pgq.tick SET tick_time = now() + interval '10 years'`);
    expect((await tick(client, queue))?.tick).toBe(2);
    expect(await tick(client, queue)).toBeNull();
  });

  test('event ids that somebody lets sessions cache are set right by maintenance', async () => {
    const { client } = await queueFixture(major);
    await client.query('ALTER SEQUENCE pgq.event_1_id_seq CACHE 50');
    expect((await runMaintenance(client)).map((o) => o.result)).toEqual(['done']);
    expect(
      await value(client, `SELECT seqcache FROM pg_sequence WHERE seqrelid = 'pgq.event_1_id_seq'::regclass`),
    ).toBe('1');
    expect(await runMaintenance(client)).toEqual([]);
  });

  test('tick numbers go up whatever somebody did to their sequence', async () => {
    const { client, open } = await queueFixture(major);
    const other = await open();
    await client.query('ALTER SEQUENCE pgq.event_1_tick_seq CACHE 10');
    const made = [];
    for (const session of [client, other, client, other, client]) made.push((await forceTick(session, queue)).tick);
    await client.query(`SELECT setval('pgq.event_1_tick_seq', 1)`);
    for (const session of [client, other]) made.push((await forceTick(session, queue)).tick);
    expect(made).toEqual(made.toSorted((a, b) => a - b));
    expect(new Set(made).size).toBe(made.length);
  });

  test('an interval read again after its events were emptied is known to be incomplete', async () => {
    const { client } = await queueFixture(major);
    const from = await forceTick(client, queue);
    await put(client, 'a');
    await forceTick(client, queue);
    const [interval] = await intervalsAfter(client, queue, from.tick, 1);
    if (interval === undefined) throw new Error('no interval');
    expect(await isWhole(client, queue, interval)).toBe(true);
    await rotate(client);
    expect(await isWhole(client, queue, interval)).toBe(true);
    for (let i = 0; i < 3; i += 1) await rotate(client);
    expect((await client.query(interval.sql)).rows).toEqual([]);
    expect(await isWhole(client, queue, interval)).toBe(false);
  });
});

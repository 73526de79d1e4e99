import { deleteStream, lastMessage } from '@millrace/bus';
import { armFailpoints, startStopStress } from '@millrace/lifecycle/testing';
import { followSequence, setPaused } from '@millrace/subscriber';
import { eventually } from '@millrace/testkit';
import { backfillSubject, batchSubject, encodeMessage, streamName } from '@millrace/wire';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { change, insert, ReplaySite } from '../test/replay-site.ts';
import { messagesOf, provider, type TestSection, tickOf } from '../test/test-batches.ts';
import { makeReplay } from './replay.ts';

let site: ReplaySite;

beforeEach(async () => {
  site = await ReplaySite.open();
});

afterEach(() => site.close());

test('batches are applied in order, whole, and the position is reported', async () => {
  await followSequence(site.client, site.queue, { schema: 'public', name: 'Odd seq' });
  await site.client.query('CREATE SEQUENCE "Odd seq"');
  const service = await site.start();
  await site.publish({ from: 1, sections: [insert('1,a', '2,b')] });
  await site.publish({
    from: 2,
    sections: [change('(U,1,c,)'), insert()],
    sequences: [{ schema: 'public', name: 'Odd seq', last_value: '41', is_called: true }],
  });
  await site.isAt(3);
  expect(await site.rows('SELECT id, v FROM t ORDER BY id')).toEqual([
    { id: 1, v: 'c' },
    { id: 2, v: 'b' },
  ]);
  expect(await site.rows(`SELECT nextval('"Odd seq"')::int AS n`)).toEqual([{ n: 42 }]);
  await eventually(async () =>
    expect(await site.reported()).toMatchObject({ tick: 3, state: 'running', error: null, gap: null, provider }),
  );
  expect(service.ready()).toMatchObject({ ok: true, role: 'leader' });
});

test('a restarted replay continues from its position, and what is applied already is passed over', async () => {
  await site.start();
  for (let n = 1; n < 6; n++) await site.publish({ from: n, sections: [insert(`${n},a`)] });
  await site.isAt(6);
  await site.running.pop()?.stop();
  for (let n = 6; n < 9; n++) await site.publish({ from: n, sections: [insert(`${n},a`)] });
  for (let n = 1; n < 9; n++) await site.publish({ from: n, sections: [insert(`${n},a`)] });
  await site.start();
  await site.isAt(9);
  expect(await site.ids()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
});

test('a jump is reported as a gap and filled from the own backfill subject', async () => {
  await site.start();
  await site.publish({ from: 3, sections: [insert('3,a')] });
  await eventually(async () => expect((await site.reported()).gap).toEqual({ from: 1, to: 3 }));
  await site.publish({ from: 1, sections: [insert('1,a')] }, backfillSubject(site.queue, 'eu'));
  await site.publish({ from: 2, sections: [insert('2,a')] }, backfillSubject(site.queue, 'eu'));
  await site.isAt(4);
  expect(await site.ids()).toEqual([1, 2, 3]);
  await eventually(async () => expect(await site.reported()).toMatchObject({ tick: 4, gap: null }));
});

test('damaged, foreign and senseless messages are set aside and never applied', async () => {
  await site.start();
  const [good] = messagesOf({ queue: site.queue, from: 1, sections: [insert('1,a')] }).map(({ header, body }) =>
    encodeMessage(header, [body]),
  );
  if (good === undefined) throw new Error('no message');
  const flipped = Buffer.from(good);
  flipped[flipped.length - 2] = 0x62;
  const [foreign] = messagesOf({ queue: 'other', from: 1, sections: [insert('6,a')] }).map(({ header, body }) =>
    encodeMessage(header, [body]),
  );
  await site.put(batchSubject(site.queue), [
    Buffer.from('?'),
    Buffer.alloc(0),
    flipped,
    good.subarray(0, 40),
    foreign ?? good,
  ]);
  await site.publish({ from: 900, sections: [insert('9,a')] });
  await eventually(async () => expect((await site.reported()).gap).toMatchObject({ from: 1 }));
  await eventually(async () =>
    expect(await site.rows('SELECT count(*)::int AS n FROM millrace.refused_message')).toEqual([{ n: 5 }]),
  );
  expect(await site.ids()).toEqual([]);
  await site.publish({ from: 1, sections: [insert('1,a')] });
  await site.publish({ from: 2, sections: [insert('2,a')] });
  await site.isAt(3);
  expect(await site.ids()).toEqual([1, 2]);
});

test('another history of the provider stops the subscriber with a plain message, and with the right one it continues', async () => {
  await site.start();
  await site.publish({ from: 1, sections: [insert('1,a')] });
  await site.isAt(2);
  await site.publish({ from: 2, history: 'restored', sections: [insert('2,x')] });
  await eventually(async () =>
    expect(await site.reported()).toMatchObject({ state: 'stopped', error: { code: 'provider-history' } }),
  );
  expect(await site.ids()).toEqual([1]);
  await site.publish({ from: 2, sections: [insert('2,a')] });
  await site.isAt(3);
  await eventually(async () => expect(await site.reported()).toMatchObject({ state: 'running', error: null }));
});

test('an error stops it and is reported, and after the repair it continues automatically', async () => {
  await site.start();
  await site.publish({ from: 1, sections: [change('(U,7,a,)')] });
  await eventually(async () =>
    expect(await site.reported()).toMatchObject({
      state: 'stopped',
      error: { code: 'conflict', message: expect.stringMatching(/public\.t/) },
    }),
  );
  await eventually(async () =>
    expect(await site.rows('SELECT state, error_code FROM millrace.replay_report')).toEqual([
      { state: 'stopped', error_code: 'conflict' },
    ]),
  );
  await site.client.query("INSERT INTO t VALUES (7, '')");
  await site.isAt(2);
  await eventually(async () => expect(await site.reported()).toMatchObject({ state: 'running', error: null }));
});

test('a missing position row stops it with advice', async () => {
  await site.client.query('DELETE FROM millrace.position');
  await site.start();
  await eventually(async () => {
    const service = site.running[0];
    expect(service?.ready()).toMatchObject({
      ok: false,
      reasons: [expect.stringMatching(/no position .*`millrace install`/)],
    });
  });
});

test('pause lets the batch end, resume continues', async () => {
  await site.start();
  await setPaused(site.client, site.queue, true);
  await eventually(async () => expect(await site.reported()).toMatchObject({ state: 'paused' }));
  await site.publish({ from: 1, sections: [insert('1,a')] });
  await eventually(async () =>
    expect((await lastMessage(site.bus, streamName(site.queue), batchSubject(site.queue)))?.sequence).toBe(1),
  );
  await eventually(async () => expect(await site.reported()).toMatchObject({ state: 'paused', tick: 1 }));
  expect(await site.ids()).toEqual([]);
  await setPaused(site.client, site.queue, false);
  await site.isAt(2);
  await eventually(async () => expect(await site.reported()).toMatchObject({ state: 'running' }));
});

test('a batch that is too large for memory streams, and one that breaks off is rolled back and requested', async () => {
  await site.start({ wholeBytes: 2000 });
  const records = Array.from({ length: 3000 }, (_, n) => `${n},value ${n}`);
  const chunks = messagesOf({ queue: site.queue, from: 1, sections: [insert(...records)], chunkBytes: 1000 }).map(
    ({ header, body }) => encodeMessage(header, [body]),
  );
  expect(chunks.length).toBeGreaterThan(20);
  await site.put(batchSubject(site.queue), chunks.slice(0, 10));
  await eventually(async () => expect((await site.reported()).gap).toEqual({ from: 1, to: null }), {
    timeoutMs: 20_000,
  });
  expect(await site.ids()).toEqual([]);
  await site.put(backfillSubject(site.queue, 'eu'), chunks);
  await site.isAt(2);
  expect((await site.ids()).length).toBe(3000);
  await site.publish({
    from: 2,
    sections: [change(...records.map((_, n) => `(U,${n},"new ${n}",)`))],
    chunkBytes: 700,
  });
  await site.isAt(3);
  expect(await site.rows("SELECT count(*)::int AS n FROM t WHERE v = 'new ' || id")).toEqual([{ n: 3000 }]);
});

test('of two instances one applies, the other takes over', async () => {
  const [one, two] = [await site.start(), await site.start()];
  for (let n = 1; n < 30; n++) await site.publish({ from: n, sections: [insert(`${n},a`)] });
  await site.isAt(30);
  await eventually(() => expect([one.ready().role, two.ready().role].toSorted()).toEqual(['leader', 'standby']));
  await (one.ready().role === 'leader' ? one : two).stop();
  await site.publish({ from: 30, sections: [insert('30,a')] });
  await site.isAt(31);
  expect(await site.ids()).toEqual(Array.from({ length: 30 }, (_, n) => n + 1));
});

test('a stream that is wiped and filled again does not hang it', async () => {
  await site.start();
  for (let n = 1; n < 10; n++) await site.publish({ from: n, sections: [insert(`${n},a`)] });
  await site.isAt(10);
  await deleteStream(site.bus, streamName(site.queue));
  await site.makeStreams();
  for (let n = 8; n < 12; n++) await site.publish({ from: n, sections: [insert(`${n},a`)] });
  await site.isAt(12);
  expect(await site.ids()).toEqual(Array.from({ length: 11 }, (_, n) => n + 1));
});

test('a subscriber restored from an older backup continues from its own position', async () => {
  await site.start();
  for (let n = 1; n < 5; n++) await site.publish({ from: n, sections: [insert(`${n},a`)] });
  await site.isAt(5);
  const old = tickOf(3);
  await site.client.query('BEGIN; DELETE FROM t WHERE id > 2');
  await site.client.query('UPDATE millrace.position SET tick = $1, fingerprint = $2', [old.tick, old.fingerprint]);
  await site.client.query('COMMIT');
  await site.publish({ from: 5, sections: [insert('5,a')] });
  await site.isAt(6);
  expect(await site.ids()).toEqual([1, 2, 3, 4, 5]);
});

test.each(['replay.before-begin', 'replay.mid-batch', 'replay.before-commit', 'replay.after-commit'])(
  'a fault at %s is healed, exactly once',
  async (name) => {
    await site.subscriber.tables('CREATE TABLE log (n int)', { schema: 'public', name: 'log' });
    const disarm = armFailpoints(`${name}=throw@1`);
    await site.start();
    for (let n = 1; n < 5; n++) {
      await site.publish({
        from: n,
        sections: [
          { table: { schema: 'public', name: 'log' }, form: 'insert', columns: ['n'], key: [], records: [String(n)] },
        ],
      });
    }
    await site.isAt(5);
    disarm();
    expect(await site.rows('SELECT n FROM log ORDER BY n')).toEqual([1, 2, 3, 4].map((n) => ({ n })));
  },
);

test('sessions that are cut at random lose and double nothing', async () => {
  await site.subscriber.tables('CREATE TABLE log (n int)', { schema: 'public', name: 'log' });
  await site.start();
  const cutAll =
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'millrace replay%' AND datname = current_database()";
  for (let n = 1; n < 60; n++) {
    await site.publish({
      from: n,
      sections: [
        { table: { schema: 'public', name: 'log' }, form: 'insert', columns: ['n'], key: [], records: [String(n)] },
      ],
    });
    if (n % 7 === 0) await site.client.query(cutAll);
  }
  await site.isAt(60);
  expect(await site.rows('SELECT count(*)::int AS n, count(DISTINCT n)::int AS d FROM log')).toEqual([
    { n: 59, d: 59 },
  ]);
});

test('it can be started and stopped in any order', async () => {
  await startStopStress(() => makeReplay(site.options), { rounds: 6 });
});

test('waiting batches from before and after a renaming: the first are applied, and the last when it is renamed here', async () => {
  const renamed = (...records: string[]): TestSection => ({
    ...change(...records),
    columns: ['key', 'w'],
    key: ['key'],
  });
  await site.publish({ from: 1, sections: [insert('1,a', '2,b')] });
  await site.publish({ from: 2, sections: [change('(U,1,c,)')] });
  await site.publish({ from: 3, sections: [renamed('(U,2,d,)')] });
  await site.publish({ from: 4, sections: [renamed('(I,3,e,)')] });
  await site.start();
  await site.isAt(3);
  await eventually(async () =>
    expect(await site.reported()).toMatchObject({
      state: 'stopped',
      error: { message: expect.stringMatching(/table public\.t at the subscriber lacks column "key".*RENAME COLUMN/) },
    }),
  );
  await site.client.query('ALTER TABLE t RENAME id TO key; ALTER TABLE t RENAME v TO w');
  await site.isAt(5);
  expect(await site.rows('SELECT w FROM t ORDER BY key')).toEqual([{ w: 'c' }, { w: 'd' }, { w: 'e' }]);
});

test('a refused batch is applied promptly when table, rows or function were repaired, however long the pause is', async () => {
  await site.client.query(`
    CREATE SEQUENCE attempt;
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN PERFORM nextval('public.attempt'); RAISE EXCEPTION 'no'; END $$;
    CREATE TRIGGER refuse BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION refuse();
    ALTER TABLE t ENABLE ALWAYS TRIGGER refuse`);
  await site.start({ retryMs: 100, maxRetryMs: 3_600_000 });
  const repairs = [
    'CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$',
    'DELETE FROM t WHERE id = 2',
    'ALTER TABLE t ADD w text',
  ];
  const records = ['1,a', '2,b', '3,c,d'];
  for (const [at, repair] of repairs.entries()) {
    const section = insert(records[at] ?? '');
    await site.publish({ from: at + 1, sections: [at < 2 ? section : { ...section, columns: ['id', 'v', 'w'] }] });
    await eventually(async () => expect(await site.reported()).toMatchObject({ tick: at + 1, state: 'stopped' }));
    if (at === 0) await eventually(async () => expect(await attempts()).toBeGreaterThan(2));
    await site.client.query(repair);
    await site.isAt(at + 2);
    if (at === 0) await site.client.query("INSERT INTO t VALUES (2, 'in the way')");
  }
});

async function attempts(): Promise<number> {
  return Number((await site.rows('SELECT last_value FROM attempt'))[0]?.['last_value']);
}

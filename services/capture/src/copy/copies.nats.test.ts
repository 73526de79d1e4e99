import { deleteStream } from '@millrace/bus';
import { forceTick } from '@millrace/provider';
import { eventually } from '@millrace/testkit';
import { copyStreamName } from '@millrace/wire';
import { expect, test } from 'vitest';
import { copying, stopsWithin, writeBatch } from '../../test/bench.ts';
import { type CopyBench, type CopyBenchOptions, fieldsOf, makeCopyBench, wideTable } from '../../test/copy-bench.ts';

/** A table with quotes in its name, a generated column and a child. */
function oddTable(rows: number): CopyBenchOptions {
  const sql = `CREATE TABLE "Big ""t""" (id int PRIMARY KEY, "a b" text, gen int GENERATED ALWAYS AS (id * 2) STORED);
    CREATE TABLE child () INHERITS ("Big ""t""");
    INSERT INTO child VALUES (-1, 'not part of it');
    INSERT INTO "Big ""t""" SELECT g, E'x\\\\\\n\\t' || repeat('y', 100) FROM generate_series(1, ${rows}) g`;
  return { name: 'Big "t"', sql };
}

async function startedWith(table: CopyBenchOptions): Promise<CopyBench> {
  const copy = await makeCopyBench(table);
  await copy.bench.start().start();
  return copy;
}

/** Repeats a statement on a session of its own until three sessions have read the copy; gives the chunks. */
async function sentDuring(copy: CopyBench, change: { sql: string; maxRepeats: number }, partPages: number) {
  const session = await copy.bench.open();
  let isSent = false;
  const changing = (async () => {
    for (let n = 0; n < change.maxRepeats && !isSent; n += 1) await session.query(change.sql);
  })();
  try {
    await copy.bench.start({ copyReaders: 3, copyPartPages: partPages }).start();
    return await copy.untilSent();
  } finally {
    isSent = true;
    await changing;
  }
}

test('a table is sent as of one tick, without its generated columns and children, and is done when the subscriber has it', async () => {
  const copy = await startedWith(oddTable(30_000));
  const { bench, table, id } = copy;
  await copy.report();
  const all = await copy.whole(1);
  const text = Buffer.concat(all.map((one) => one.body)).toString();
  expect(text.split('\n').length - 1).toBe(30_000);
  expect(text).toContain(`17\tx\\\\\\n\\t${'y'.repeat(100)}\n`);
  expect(all[0]?.header).toMatchObject({ columns: ['id', 'a b'], table, chunk: 0 });
  expect(all.at(-1)?.header.rows).toBe(30_000);
  const { tick, fingerprint } = all[0]?.header.tick ?? { tick: 0, fingerprint: '' };
  const { rows } = await bench.client.query('SELECT fingerprint FROM millrace.tick_info($1, $2)', [bench.queue, tick]);
  expect(rows[0].fingerprint).toBe(fingerprint);
  await copy.report({ tables: [copying(table, { id, attempt: 1, chunk: all.length - 1 }, 'ok')] });
  await eventually(async () => expect(await copy.state()).toMatchObject({ state: 'done', rows: '30000' }));
  await eventually(async () => expect(await copy.chunks()).toEqual([]));
});

test('several sessions read one table as of one tick, while its rows change and move; a row larger than a chunk stays in one piece', async () => {
  const sql = `CREATE TABLE much (n int, id int PRIMARY KEY, t text); ALTER TABLE much ALTER t SET STORAGE EXTERNAL;
    INSERT INTO much SELECT 0, g, repeat('x', CASE WHEN g % 4000 = 0 THEN 2500000 ELSE 40 END) FROM generate_series(1, 20000) g`;
  const copy = await makeCopyBench({ name: 'much', sql });
  const all = await sentDuring(copy, { sql: 'UPDATE much SET n = n + 1 WHERE id % 4000 <> 0', maxRepeats: 20 }, 20);
  expect(all.map((one) => one.header.chunk)).toEqual(all.map((_, n) => n));
  expect(all.at(-1)?.header.rows).toBe(20_000);
  const fields = fieldsOf(all);
  expect(new Set(fields.map(([, key]) => key)).size).toBe(20_000);
  expect(new Set(fields.filter(([, key]) => Number(key) % 4000 !== 0).map(([n]) => n)).size).toBe(1);
  expect(fields.filter(([, , text]) => text?.length === 2_500_000)).toHaveLength(5);
  expect(fields.every((row) => row.length === 3)).toBe(true);
});

test('partitions are read by several sessions as of one tick, whatever their columns are in order, while rows move between them', async () => {
  const sql = `CREATE TABLE wide (id int, part int, t text, PRIMARY KEY (id, part)) PARTITION BY LIST (part);
    CREATE TABLE wide_0 PARTITION OF wide FOR VALUES IN (0);
    CREATE TABLE wide_1 (t text, gone int, part int NOT NULL, id int NOT NULL); ALTER TABLE wide_1 DROP gone;
    ALTER TABLE wide ATTACH PARTITION wide_1 FOR VALUES IN (1);
    CREATE TABLE wide_more PARTITION OF wide DEFAULT PARTITION BY LIST (part);
    CREATE TABLE wide_2 PARTITION OF wide_more FOR VALUES IN (2); CREATE TABLE wide_rest PARTITION OF wide_more DEFAULT;
    INSERT INTO wide SELECT g, g % 3, 'row ' || g || repeat('x', 100) FROM generate_series(1, 9000) g`;
  const copy = await makeCopyBench({ name: 'wide', sql });
  const all = await sentDuring(copy, { sql: 'UPDATE wide SET part = (part + 1) % 3', maxRepeats: 100_000 }, 5);
  expect(all.at(-1)?.header.rows).toBe(9000);
  const fields = fieldsOf(all);
  expect(new Set(fields.map(([key]) => key)).size).toBe(9000);
  // All rows moved as often: those of one tick have the same distance.
  expect(new Set(fields.map(([key, part]) => (Number(part) - Number(key) + 9000 * 3) % 3)).size).toBe(1);
  expect(fields.every(([key, , text]) => text === `row ${key}${'x'.repeat(100)}`)).toBe(true);
});

test('an empty table is one chunk', async () => {
  const copy = await startedWith(oddTable(0));
  await copy.report();
  const all = await copy.whole(1);
  expect(all).toHaveLength(1);
  expect(all[0]?.header).toMatchObject({ rows: 0, bytes: 0 });
});

test('a copy that a subscriber reports as broken is sent again, later than what it saw', async () => {
  const copy = await startedWith(oddTable(100));
  const { bench, table, id } = copy;
  await copy.report();
  const first = await copy.whole(1);
  await writeBatch(bench, ['1']);
  const entry = { ...copying(table, { id, attempt: 1, chunk: 0 }), broken: true };
  await eventually(async () => expect((await copy.state()).rows).toBe('100'));
  await copy.report({ tables: [entry] });
  const second = await copy.whole(2);
  expect(second[0]?.header.tick.tick).toBeGreaterThan(first[0]?.header.tick.tick ?? 0);
});

test('a copy whose stream is deleted before the subscriber has it is sent again', async () => {
  const copy = await startedWith(oddTable(100));
  await copy.report();
  await copy.whole(1);
  await deleteStream(copy.bench.bus, copyStreamName(copy.bench.queue));
  await eventually(
    async () => {
      await copy.report();
      expect((await copy.state()).attempt).toBe(2);
    },
    { timeoutMs: 20_000, everyMs: 500 },
  );
  await copy.whole(2);
});

test('nothing is copied for a subscriber that is not there, and a copy begins when it comes', async () => {
  const copy = await startedWith(oddTable(100));
  await writeBatch(copy.bench, ['1']);
  expect(await copy.state()).toMatchObject({ state: 'wanted', attempt: 0 });
  await copy.report();
  await copy.whole(1);
});

test('a copy runs no further ahead than its slowest subscriber allows, and leaves one out that takes nothing', async () => {
  const copy = await makeCopyBench({ ...wideTable(100), subscribers: ['eu', 'us'] });
  const { bench, table, id } = copy;
  await copy.report({}, 'eu');
  await copy.report({}, 'us');
  await bench.start({ copyTimeoutMs: 2000 }).start();
  const stored = async () => (await bench.bus.streams.streams.info(copyStreamName(bench.queue))).state;
  await eventually(async () => expect((await stored()).messages).toBeGreaterThan(60));
  expect((await stored()).bytes).toBeLessThan(66 * 1024 * 1024);
  await eventually(
    async () => {
      const chunk = (await stored()).messages - 1;
      await copy.report({ tables: [copying(table, { id, attempt: 1, chunk })] }, 'eu');
      await copy.report({}, 'us');
      expect(await copy.state()).toMatchObject({ attempt: 1, rows: '100' });
    },
    { timeoutMs: 30_000, everyMs: 200 },
  );
});

// A rewrite (ALTER TABLE … TYPE) leaves nothing that a snapshot from before it could see: a copy that took its snapshot and then
// waited for the table would be empty, without an error.
test('a table that is rewritten just when its copy begins is copied whole', async () => {
  const copy = await startedWith(oddTable(1000));
  const { bench } = copy;
  const altering = await bench.open();
  await altering.query('BEGIN');
  await altering.query(`ALTER TABLE "Big ""t""" ALTER "a b" TYPE text USING "a b" || ''`);
  await eventually(async () => {
    await copy.report();
    const { rows } = await bench.client.query(
      `SELECT FROM pg_locks WHERE NOT granted AND relation = '"Big ""t"""'::regclass`,
    );
    expect(rows).toHaveLength(1);
  });
  const ticked = await forceTick(bench.client, bench.queue);
  await altering.query('COMMIT');
  const all = await copy.untilSent();
  expect(all.at(-1)?.header.rows).toBe(1000);
  expect(all[0]?.header.tick.tick).toBeGreaterThan(ticked.tick);
});

test('a copy that waits for the database does not keep capture from stopping', async () => {
  const copy = await makeCopyBench({ name: 'held', sql: 'CREATE TABLE held (id int PRIMARY KEY)' });
  const { bench } = copy;
  const holding = await bench.open();
  await holding.query('BEGIN');
  await holding.query('SELECT millrace.lock_ticks($1)', [bench.queue]);
  const capture = bench.start();
  await capture.start();
  await eventually(async () => {
    await copy.report();
    const { rows } = await bench.client.query(`SELECT FROM pg_stat_activity WHERE datname = current_database()
      AND state = 'active' AND query LIKE 'SELECT millrace.lock\\_ticks%'`);
    expect(rows).toHaveLength(1);
  });
  expect(await stopsWithin(capture, 5000)).toBe(true);
});

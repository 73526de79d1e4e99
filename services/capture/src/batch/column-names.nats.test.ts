import { addTable, columnsStayed, forceTick, intervalsAfter } from '@millrace/provider';
import { expect, test } from 'vitest';
import { type Bench, makeBench, register, sendReport, storedBatches } from '../../test/bench.ts';

/** Publishes all there is; the sections of the last batch. */
async function published(bench: Bench) {
  const tick = await forceTick(bench.client, bench.queue);
  await bench.start().start();
  await expect
    .poll(async () => (await storedBatches(bench)).at(-1)?.header.tick.tick, { timeout: 30_000 })
    .toBe(tick.tick);
  await expect.poll(async () => (await storedBatches(bench)).at(-1)?.header.last, { timeout: 30_000 }).toBe(true);
  const batches = (await storedBatches(bench)).filter(({ header }) => header.tick.tick === tick.tick);
  return batches.flatMap(({ header }) => header.sections);
}

async function table(major: number, schema: string): Promise<Bench> {
  const bench = await makeBench({ major });
  await bench.client.query(schema);
  await addTable(bench.client, bench.queue, { schema: 'public', name: 't' });
  await sendReport(bench, 'eu', await register(bench, 'eu'));
  return bench;
}

test('a batch that saw columns renamed and dropped speaks the last names only', async () => {
  const bench = await table(15, 'CREATE TABLE t (id int PRIMARY KEY, v int, gone int)');
  await bench.client.query(`INSERT INTO t VALUES (1, 1, 1), (2, 2, 2); UPDATE t SET v = 3 WHERE id = 1; DELETE FROM t WHERE id = 2;
    ALTER TABLE t RENAME v TO w; ALTER TABLE t RENAME id TO ident; ALTER TABLE t DROP gone; UPDATE t SET w = 4`);
  const sections = await published(bench);
  expect(new Set(sections.map((section) => JSON.stringify([section.columns, section.key])))).toEqual(
    new Set(['[["ident","w",null],["ident"]]', '[["ident"],["ident"]]', '[["ident","w"],["ident"]]']),
  );
});

test('so does one that is sent while it is still read', async () => {
  const bench = await table(18, 'CREATE TABLE t (id int PRIMARY KEY, v text)');
  await bench.client.query(`INSERT INTO t SELECT i, repeat('x', 1000) FROM generate_series(1, 20000) i`);
  await bench.client.query(
    `ALTER TABLE t RENAME v TO w; ALTER TABLE t RENAME id TO ident; DELETE FROM t WHERE ident < 9; UPDATE t SET w = 'y' WHERE ident = 9`,
  );
  const sections = await published(bench);
  expect(sections.length).toBeGreaterThan(15);
  expect(new Set(sections.map((section) => JSON.stringify([section.columns, section.key])))).toEqual(
    new Set(['[["ident","w"],["ident"]]', '[["ident"],["ident"]]']),
  );
});

test('that nothing was altered is known from the catalogs, and that something was, before the tick or after it', async () => {
  const bench = await table(18, 'CREATE TABLE t (id int PRIMARY KEY, v text)');
  const stayed = async (sql: string) => {
    const { tick } = await forceTick(bench.client, bench.queue);
    await bench.client.query(sql);
    await forceTick(bench.client, bench.queue);
    const [interval] = await intervalsAfter(bench.client, bench.queue, tick, 1);
    if (interval === undefined) throw new Error('no interval');
    return columnsStayed(bench.client, bench.queue, interval);
  };
  // A transaction of another test that is older than this table leaves a doubt while it runs.
  await expect.poll(() => stayed('UPDATE t SET v = v'), { timeout: 30_000 }).toBe(true);
  expect(await stayed('ALTER TABLE t RENAME v TO w; UPDATE t SET w = id')).toBe(false);
  expect(await stayed('BEGIN; SAVEPOINT s; ALTER TABLE t ADD x int; RELEASE s; COMMIT')).toBe(false);
  await expect.poll(() => stayed('UPDATE t SET w = w'), { timeout: 30_000 }).toBe(true);
});

import { waitFor } from '@millrace/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Database } from '../harness/database.ts';
import { Ground } from '../harness/ground.ts';
import { pause } from '../harness/pause.ts';
import { expectEqual, stage } from '../harness/scenario.ts';
import type { Site } from '../harness/site.ts';

let ground: Ground;
let site: Site;

beforeAll(async () => {
  ground = await Ground.start({
    name: 'resync',
    servers: { provider: { major: 15 }, eu: { major: 18 }, us: { major: 15 } },
  });
  site = await ground.site({ name: 'resync', provider: 'provider', subscribers: { eu: 'eu', us: 'us' } });
  await site.begin();
});

afterAll(() => ground.stop());

/** The state of a table at a subscriber, by its database. */
const stateOf = (name: string, table: string) =>
  site.subscriber(name).value('SELECT state FROM millrace.subscribed_table WHERE table_name = $1', [table]);

/** Writes at the provider until told to stop: rows change and come, none goes. */
async function load(stop: AbortSignal): Promise<void> {
  for (let n = 0; !stop.aborted; n += 1) {
    await site.provider.run(`UPDATE stock SET n = n + 1, u = -u WHERE id % 97 = ${n % 97} AND id <> 1;
      INSERT INTO stock SELECT 1000000 + ${n} * 10 + i, 'new', 0, 1000000 + ${n} * 10 + i FROM generate_series(0, 9) i`);
    await pause(5);
  }
}

/** Counts rows again and again; gives the looks and the smallest number. */
async function watch(database: Database, stop: AbortSignal): Promise<{ looks: number; fewest: number }> {
  let [looks, fewest] = [0, Number.POSITIVE_INFINITY];
  while (!stop.aborted) {
    fewest = Math.min(fewest, Number(await database.value('SELECT count(*) FROM stock')));
    looks += 1;
  }
  return { looks, fewest };
}

test('tables are copied again under load: readers never see fewer rows, equal rows are not touched, two commands at once are one', async () => {
  await stage(site, {
    schema: 'CREATE TABLE stock (id int PRIMARY KEY, item text, n int, u int UNIQUE)',
    before: "INSERT INTO stock SELECT i, 'item ' || i, 0, i FROM generate_series(1, 20000) i",
    tables: ['stock'],
  });
  const eu = site.subscriber('eu');
  const stop = new AbortController();
  const work = [load(stop.signal), watch(eu, stop.signal)] as const;
  const untouched = await eu.value('SELECT xmin::text FROM stock WHERE id = 1');
  await eu.run(
    `UPDATE stock SET item = 'wrong' WHERE id % 100 = 7; INSERT INTO stock VALUES (-1, 'extra', 0, 3000000)`,
  );
  const both = await Promise.all([1, 2].map(() => site.program(['resync', 'stock', '--yes'])));
  expect(both.map(({ code }) => code)).toEqual([0, 0]);
  await site.millrace('wait', '--timeout', '60s');
  await site.millrace('resync', '--all', '--subscriber', 'eu', '--yes');
  await site.millrace('wait', '--timeout', '60s');
  stop.abort();
  const { looks, fewest } = (await Promise.all(work))[1];
  await expectEqual(site, ['stock']);
  expect(fewest).toBeGreaterThanOrEqual(20_000);
  expect(looks).toBeGreaterThan(5);
  expect(await eu.value('SELECT xmin::text FROM stock WHERE id = 1')).toBe(untouched);
  expect(await eu.value(`SELECT count(*) FROM pg_class WHERE relname ~ '^copy_[0-9]'`)).toBe('0');
});

test('the provider reads a table once for all its subscribers', async () => {
  await stage(site, {
    schema: 'CREATE TABLE wide (id int PRIMARY KEY, t text)',
    before: "INSERT INTO wide SELECT i, repeat('x', 500) FROM generate_series(1, 7000) i",
    tables: ['wide'],
  });
  const read = async () =>
    Number(await site.provider.value(`SELECT seq_tup_read FROM pg_stat_user_tables WHERE relname = 'wide'`));
  await waitFor('the first copy is in the statistics', async () => (await read()) >= 7000);
  expect(await read()).toBe(7000);
  await site.millrace('resync', 'wide', '--yes');
  await site.millrace('wait', '--timeout', '60s');
  await waitFor('the second copy is in the statistics', async () => (await read()) >= 14_000);
  expect(await read()).toBe(14_000);
  await expectEqual(site, ['wide']);
});

test('a copy that cannot be loaded holds the table with a sentence, and resync heals it; the other subscriber is not concerned', async () => {
  await site.everywhere('CREATE TABLE narrow (id int PRIMARY KEY, t text)');
  await site.provider.run("INSERT INTO narrow VALUES (1, 'short'), (2, 'much too long')");
  await site.subscriber('eu').run('ALTER TABLE narrow ADD CONSTRAINT brief CHECK (length(t) < 8)');
  await site.millrace('add', 'narrow');
  await waitFor('eu holds the table', async () => (await stateOf('eu', 'narrow')) === 'held');
  await waitFor('us has it', async () => (await stateOf('us', 'narrow')) === 'ok');
  const status = await site.command(['status']);
  expect(status.code).toBe(1);
  expect(status.stdout).toMatch(/eu: public\.narrow: .*check constraint "brief"/);
  expect(status.stdout).toMatch(/public\.narrow is held: .*millrace resync public\.narrow --yes/);
  await site.provider.run("INSERT INTO narrow VALUES (3, 'meanwhile')");
  await site.subscriber('eu').run('ALTER TABLE narrow DROP CONSTRAINT brief');
  await site.millrace('resync', 'narrow', '--yes');
  await site.millrace('wait', '--timeout', '60s');
  await expectEqual(site, ['narrow']);
});

test('resync refuses what it cannot do, in one line, and changes nothing', async () => {
  await site.provider.run('CREATE TABLE lonely (id int PRIMARY KEY)');
  for (const [args, code, words] of [
    [['resync', 'stock'], 2, /--yes/],
    [['resync', '--yes'], 2, /name tables, or use --all/],
    [['resync', 'lonely', '--yes'], 1, /public\.lonely is not in the set/],
    [['resync', 'stock', '--subscriber', 'nobody', '--yes'], 2, /nobody/],
  ] as const) {
    const result = await site.command(args);
    expect(result.stderr, args.join(' ')).toMatch(words);
    expect(result.code, args.join(' ')).toBe(code);
  }
  await site.millrace('remove', 'wide', '--subscriber', 'us');
  const { code, stderr } = await site.command(['resync', 'wide', '--yes']);
  expect(code).toBe(1);
  expect(stderr).toMatch(/us does not follow public\.wide/);
  expect(await stateOf('eu', 'wide')).toBe('ok');
});

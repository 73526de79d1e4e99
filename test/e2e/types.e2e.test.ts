import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Ground } from '../harness/ground.ts';
import { expectEqual, stage } from '../harness/scenario.ts';
import type { Site } from '../harness/site.ts';
import { expectStopped } from '../harness/stopped.ts';

describe.each([
  [15, 18],
  [18, 15],
])('columns that change at the provider, PostgreSQL %i to %i', (from, to) => {
  let ground: Ground;
  let site: Site;

  beforeAll(async () => {
    ground = await Ground.start({
      name: `types${from}`,
      servers: { provider: { major: from as 15 }, eu: { major: to as 15 } },
    });
    site = await ground.site({ name: 'types', provider: 'provider', subscribers: { eu: 'eu' } });
    await site.begin();
  });

  afterAll(() => ground.stop());

  /** What does not depend on the server's version is tried once. */
  const once = test.runIf(from === 15);
  const eu = (): ReturnType<Site['subscriber']> => site.subscriber('eu');

  /** Copied rows, and then one change that tells what the columns are. */
  async function table(name: string, columns: string, rows: string): Promise<void> {
    await stage(site, {
      schema: `CREATE TABLE ${name} (id int PRIMARY KEY, ${columns})`,
      before: `INSERT INTO ${name} SELECT i, ${rows} FROM generate_series(1, 20) i`,
      tables: [name],
    });
    await expectEqual(site, [name]);
  }

  /** An application that goes on as if nothing were. Ends it and gives what failed. */
  function writer(statement: (i: number) => string): () => Promise<string[]> {
    const failed: string[] = [];
    let running = true;
    const work = site.provider.within(async (client) => {
      for (let i = 1; running; i += 1) {
        await client.query(statement(i)).catch((error: unknown) => failed.push(String(error)));
      }
    });
    return async () => {
      running = false;
      await work;
      return failed;
    };
  }

  test('a scale made finer at the provider stops before anything is rounded, and goes on after the same ALTER', async () => {
    await table('finer', 'price numeric(10,2)', 'i / 3.0');
    const stop = writer((i) => `UPDATE finer SET price = price + 0.0101 WHERE id = ${(i % 20) + 1}`);
    await site.sync();
    await site.provider.run('ALTER TABLE finer ALTER price TYPE numeric(12,4)');
    await expectStopped(site, 'eu', [
      /column "?price"? of table public\.finer is numeric\(12,4\) at the provider and numeric\(10,2\) at the subscriber/,
      /ALTER TABLE public\.finer ALTER COLUMN "?price"? TYPE numeric\(12,4\)/,
    ]);
    await eu().run('ALTER TABLE finer ALTER price TYPE numeric(12,4)');
    await site.sync(undefined, 60_000);
    expect(await stop()).toEqual([]);
    await expectEqual(site, ['finer'], 60_000);
    expect((await site.command(['status'])).stdout).toMatch(/public\.finer.*"?price"?.*numeric\(10,2\).*compare/i);
  });

  once('nothing stops where the subscriber is altered first', async () => {
    await table('first', 'price numeric(10,2), at timestamp(0), word varchar(5)', `i / 3.0, now(), 'w'`);
    const stop = writer(
      (i) => `UPDATE first SET price = price + 0.0101, at = clock_timestamp() WHERE id = ${(i % 20) + 1}`,
    );
    const wider = 'ALTER TABLE first ALTER price TYPE numeric(12,4), ALTER at TYPE timestamp(6), ALTER word TYPE text';
    await eu().run(wider);
    await site.sync();
    await site.provider.run(wider);
    await site.provider.run(`UPDATE first SET word = 'longer than before ', at = '2020-01-01 00:00:00.123456'`);
    await site.sync(undefined, 60_000);
    expect(await stop()).toEqual([]);
    await expectEqual(site, ['first'], 60_000);
  });

  once('a type that refuses what it cannot hold goes on until it has to', async () => {
    await table('whole', 'n int', 'i');
    await site.provider.run('ALTER TABLE whole ALTER n TYPE bigint; UPDATE whole SET n = n + 1');
    await expectEqual(site, ['whole']);
    await site.provider.run('UPDATE whole SET n = 3000000000 WHERE id = 1');
    await expectStopped(site, 'eu', [/whole/]);
    await eu().run('ALTER TABLE whole ALTER n TYPE bigint');
    await expectEqual(site, ['whole'], 60_000);
  });

  once('texts, times, numbers: each stops with its column and type', async () => {
    await table('each', 'a varchar(9), b timestamp(0), c real, d text, e timestamp', `'a', now(), i, i, now()`);
    const changes: [change: string, type: string][] = [
      ['a TYPE varchar(12)', 'character varying(12)'],
      ['b TYPE timestamp(3)', 'timestamp(3) without time zone'],
      ['c TYPE float8', 'double precision'],
      ['d TYPE int USING d::int', 'integer'],
      [`e TYPE timestamptz USING e AT TIME ZONE 'UTC'`, 'timestamp with time zone'],
    ];
    for (const [change, type] of changes) {
      const column = change.slice(0, 1);
      await site.provider.run(`ALTER TABLE each ALTER ${change}; UPDATE each SET id = id WHERE id < 3`);
      if (column === 'd') await expectEqual(site, ['each']);
      else await expectStopped(site, 'eu', [`column "${column}" of table public.each`, `TYPE ${type}`]);
      await eu().run(`ALTER TABLE each ALTER ${change}`);
      await expectEqual(site, ['each'], 60_000);
    }
  });

  test('a USING that changes values is reported of when the types are the same again', async () => {
    await table('using_it', 'v int', 'i');
    await site.provider.run(`ALTER TABLE using_it ALTER v TYPE text USING 'n' || v * 2`);
    await site.provider.run(`UPDATE using_it SET v = 'x' WHERE id < 3`);
    await expectStopped(site, 'eu', [/column "v" of table public\.using_it is text .* integer/, /USING/]);
    await eu().run('ALTER TABLE using_it ALTER v TYPE text');
    await site.sync(undefined, 60_000);
    expect((await site.command(['status'])).stdout).toMatch(/public\.using_it.*"v".*integer.*compare/i);
    expect(await site.differences([{ schema: 'public', name: 'using_it' }])).not.toEqual([]);
    expect((await site.command(['compare', 'using_it', 'finer'])).code).toBe(1);
    const { stdout } = await site.command(['status']);
    expect(stdout).toMatch(/using_it.*compare/);
    expect(stdout).not.toMatch(/finer.*compare/);
    await site.millrace('resync', 'using_it', '--yes');
    await site.millrace('wait', '--timeout', '60s');
    await expectEqual(site, ['using_it']);
    expect((await site.command(['status'])).stdout).not.toMatch(/using_it.*compare/i);
  });

  test('two columns that exchange their names stop, and go on after the same at the subscriber', async () => {
    await table('swap', 'a int, b int', 'i, -i');
    const exchange = 'ALTER TABLE swap RENAME a TO c; ALTER TABLE swap RENAME b TO a; ALTER TABLE swap RENAME c TO b';
    const stop = writer((i) => `UPDATE swap SET id = id WHERE id = ${(i % 20) + 1}`);
    await site.sync();
    await site.provider.run(`BEGIN; ${exchange}; COMMIT`);
    await expectStopped(site, 'eu', [/column "[ab]" of table public\.swap/, /in column "[ab]"/, /RENAME/]);
    await eu().run(`BEGIN; ${exchange}; COMMIT`);
    await site.sync(undefined, 60_000);
    expect(await stop()).toEqual([]);
    await expectEqual(site, ['swap'], 60_000);
  });

  once(
    'a column dropped and added again stops, and goes on after the same at the subscriber or a new copy',
    async () => {
      await table('again', 'v int', 'i');
      await site.provider.run(
        'ALTER TABLE again DROP v; ALTER TABLE again ADD v int; UPDATE again SET v = 5 WHERE id = 1',
      );
      await expectStopped(site, 'eu', [/column "v" of table public\.again/, /dropped and added again/, /DROP COLUMN/]);
      await eu().run('ALTER TABLE again DROP COLUMN v, ADD COLUMN v int');
      await expectEqual(site, ['again'], 60_000);
      await site.provider.run(
        'ALTER TABLE again DROP v; ALTER TABLE again ADD v int DEFAULT 3; DELETE FROM again WHERE id = 2',
      );
      await site.provider.run('UPDATE again SET v = 6 WHERE id = 3');
      await expectStopped(site, 'eu', [/again/, /millrace resync public\.again/]);
      await site.millrace('resync', 'again', '--yes');
      await site.millrace('wait', '--timeout', '60s');
      await expectEqual(site, ['again'], 60_000);
    },
  );

  once('a column that the subscriber made anew lacks its rows, and is noticed', async () => {
    await table('ours', 'v int', 'i');
    await eu().run('ALTER TABLE ours DROP COLUMN v, ADD COLUMN v int');
    await site.provider.run('UPDATE ours SET v = 0 WHERE id = 1');
    await expectStopped(site, 'eu', [/created again at the subscriber/]);
    await site.millrace('resync', 'ours', '--yes');
    await site.millrace('wait', '--timeout', '60s');
    await expectEqual(site, ['ours'], 60_000);
  });

  once('a type of the database is known by its name, a domain by what it is made of', async () => {
    await site.everywhere(`CREATE TYPE mood AS ENUM ('good'); CREATE DOMAIN amount AS numeric(8,2)`);
    await table('own', 'm mood, a amount', `'good', i`);
    await site.provider.run('ALTER TABLE own ALTER a TYPE numeric(8,2); UPDATE own SET a = 1.25 WHERE id = 1');
    await expectEqual(site, ['own']);
    await site.provider.run('DROP DOMAIN amount; CREATE DOMAIN amount AS numeric(9,3)');
    await site.provider.run('ALTER TABLE own ALTER a TYPE amount; UPDATE own SET a = 1.125 WHERE id = 1');
    await expectStopped(site, 'eu', [/column "a" of table public\.own is public\.amount/]);
    await eu().run('ALTER TABLE own ALTER a TYPE numeric(9,3)');
    await expectEqual(site, ['own'], 60_000);
  });
});

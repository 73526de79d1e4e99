import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { waitFor } from '@millrace/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { alarms, busy, type Compared, load, repeated, rounds } from '../harness/comparing.ts';
import { Ground } from '../harness/ground.ts';
import { expectEqual, stage } from '../harness/scenario.ts';
import type { Site } from '../harness/site.ts';

interface ScheduledStatus {
  readonly subscribers: readonly {
    readonly tables: readonly { readonly name: string; readonly comparison: { readonly state: string } | null }[];
  }[];
}

let ground: Ground;
let site: Site;

beforeAll(async () => {
  ground = await Ground.start({
    name: 'compare',
    servers: { provider: { major: 15 }, eu: { major: 18 }, us: { major: 15 } },
  });
  site = await ground.site({ name: 'compare', provider: 'provider', subscribers: { eu: 'eu', us: 'us' } });
  await site.begin();
});

afterAll(() => ground.stop());

async function compare(...args: string[]): Promise<Compared & { readonly code: number | null }> {
  const { code, stdout, stderr } = await site.command(['compare', '--json', ...args]);
  if (!stdout.includes('"tables"')) throw new Error(`exit ${code}: ${stdout}${stderr}`);
  const document = JSON.parse(stdout) as Compared;
  return { ...document, code };
}

/** `differences` as `kind key`, sorted. */
function found(table: Compared['tables'][number] | undefined): string[] {
  return (table?.differences ?? []).map(({ kind, key }) => `${kind} ${JSON.stringify(Object.values(key))}`).sort();
}

const planted = `CREATE TABLE planted (id int PRIMARY KEY, note text, amount numeric, ratio float8, n int NOT NULL DEFAULT 0)`;

describe('compare', () => {
  test('finds seven kinds of planted difference under load, and nothing else', async () => {
    await stage(site, {
      schema: planted,
      before: `INSERT INTO planted SELECT i, 'note ' || i, i + 0.5, i / 3.0 FROM generate_series(1, 20000) i;
        INSERT INTO planted VALUES (30001, '', 0, 0), (30002, 'x', 1.1, 0), (30003, 'x', 0, '-0')`,
      tables: ['planted'],
    });
    const traffic = load(
      site.provider,
      (n) => `UPDATE planted SET n = n + 1 WHERE id BETWEEN ${(n * 37) % 15000} AND ${((n * 37) % 15000) + 50}`,
    );
    await site.subscriber('eu').run(`
      SET session_replication_role = replica;
      DELETE FROM planted WHERE id = 20000;
      INSERT INTO planted VALUES (40000, 'extra', 1, 1);
      UPDATE planted SET note = 'changed' WHERE id = 19999;
      UPDATE planted SET note = NULL WHERE id = 30001;
      UPDATE planted SET amount = 1.10 WHERE id = 30002;
      UPDATE planted SET ratio = '0' WHERE id = 30003;
      UPDATE planted SET id = 50000 WHERE id = 19998`);
    const result = await compare('planted');
    expect(await traffic.stop()).toBeGreaterThan(0);
    expect(result.code).toBe(1);
    const eu = result.tables.find(({ subscriber }) => subscriber === 'eu');
    expect(found(eu)).toEqual([
      'different ["19999"]',
      'different ["30001"]',
      'different ["30002"]',
      'different ["30003"]',
      'extra ["40000"]',
      'extra ["50000"]',
      'missing ["19998"]',
      'missing ["20000"]',
    ]);
    expect(eu).toMatchObject({ missing: 2, extra: 2, different: 4, all_listed: true, provider_rows: 20003 });
    expect(result.tables.find(({ subscriber }) => subscriber === 'us')).toMatchObject({ state: 'equal' });
  });

  test('repair makes them equal under load, says what it did, and leaves an audit line', async () => {
    const traffic = load(
      site.provider,
      (n) => `UPDATE planted SET n = n + 1 WHERE id < 15000 AND id % 500 = ${n % 500}`,
    );
    const refused = await site.command(['repair', 'planted', '--apply', '--json']);
    expect(refused.code).toBe(2);
    const repaired = await site.command(['repair', 'planted', '--apply', '--yes', '--json']);
    expect(repaired.code, repaired.stderr).toBe(0);
    expect(repaired.stderr).toContain('eu: public.planted: 2 inserted, 4 updated, 2 deleted');
    expect(JSON.parse(repaired.stdout)).toMatchObject({
      applied: true,
      repaired: [{ name: 'public.planted', subscriber: 'eu', inserted: 2, updated: 4, deleted: 2 }],
      comparison: { equal: true },
    });
    await traffic.stop();
    await expectEqual(site, ['planted']);
    const again = await site.millrace('repair', 'planted', '--apply', '--yes');
    expect(again.stderr).toContain('nothing differs');
    const { stdout } = await site.millrace('audit', '--json');
    expect(stdout).toContain('"what":"repair"');
  });

  test('repair prints statements for psql that make odd tables and values equal, and leaves newer rows alone', async () => {
    const tables = ['"odd T"', 'swapped', 'fixed'];
    await stage(site, {
      schema: `CREATE TYPE pair AS (a int, b text);
        CREATE TABLE "odd T" ("K 1" numeric, "k""2" text, p pair, a text[], j json, b bytea, f float8, ok bool, c char(5), PRIMARY KEY ("K 1", "k""2"));
        CREATE TABLE swapped (id int PRIMARY KEY, u text UNIQUE);
        CREATE TABLE fixed (id int PRIMARY KEY, g int GENERATED ALWAYS AS IDENTITY, twice int GENERATED ALWAYS AS (id * 2) STORED, v text)`,
      before: String.raw`INSERT INTO "odd T" VALUES (1.10, 'it''s', (NULL, NULL), '{a,NULL,"b c"}', '{"x": 1, "x": 2}', '\x00ff', '-0', true, 'ab'),
          (2, E'back\\slash\nline', NULL, '[2:3]={x,y}', 'null', '', 'NaN', NULL, ''), (3, 'gone', (1, 'x'), NULL, NULL, NULL, 1e-300, false, NULL);
        INSERT INTO swapped VALUES (1, 'a'), (2, 'b'), (3, 'c');
        INSERT INTO fixed (id, v) VALUES (1, 'one'), (2, NULL), (3, '')`,
      tables,
    });
    // NULL in the text of an array would be the word, for sessions that leave this as it is.
    await site
      .subscriber('eu')
      .run(`DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET array_nulls = off', current_database()); END $$`);
    await site.subscriber('eu').run(`ALTER TABLE "odd T" ADD own int DEFAULT 7;
      SET session_replication_role = replica;
      UPDATE "odd T" SET "K 1" = 1.1 WHERE "K 1" = 1.1; UPDATE "odd T" SET p = NULL, c = 'x' WHERE "K 1" = 2; DELETE FROM "odd T" WHERE "K 1" = 3;
      UPDATE swapped SET u = 'z' WHERE id = 1; UPDATE swapped SET u = 'a' WHERE id = 2; UPDATE swapped SET u = 'b' WHERE id = 1;
      DELETE FROM fixed WHERE id = 1; UPDATE fixed SET v = '' WHERE id = 2; INSERT INTO fixed (id, v) VALUES (9, 'nine')`);
    const printed = await site.millrace('repair', ...tables, '--subscriber', 'eu');
    expect(printed.stdout).toMatch(/^-- /);
    await site.subscriber('eu').run(`INSERT INTO "odd T" VALUES (3, 'gone'); DELETE FROM "odd T" WHERE "K 1" = 2`);
    await site.subscriber('eu').run(printed.stdout);
    const left = (await compare(...tables, '--subscriber', 'eu')).tables.flatMap((table) => found(table));
    expect(left).toEqual(['different ["3","gone"]', String.raw`missing ["2","back\\slash\nline"]`]);
    await site.millrace('repair', ...tables, '--subscriber', 'eu', '--apply', '--yes');
    await site.provider.run(`UPDATE "odd T" SET f = 5; UPDATE swapped SET u = u || id; UPDATE fixed SET v = 'w'`);
    await expectEqual(
      site,
      ['odd T', 'swapped', 'fixed'].map((name) => JSON.stringify(name)),
    );
    expect(await site.subscriber('eu').value(`SELECT string_agg(own::text, ',') FROM "odd T"`)).toBe('7,7,7');
  });

  test('gives no false alarm in many runs under load, with truncates among it', async () => {
    await stage(site, busy);
    const traffic = load(site.provider, busy.traffic);
    const wrong: unknown[] = [];
    for await (const run of repeated(site, 50, ...busy.tables)) {
      wrong.push(...alarms(run));
      expect(run.tables).toHaveLength(4);
    }
    await traffic.stop();
    expect(wrong).toEqual([]);
  }, 240_000);
});

describe('the schedule', () => {
  test('admin compares by itself, and status and metrics tell what it found', async () => {
    await stage(site, { schema: 'CREATE TABLE watched (id int PRIMARY KEY)', tables: ['watched'] });
    await site.subscriber('us').run('INSERT INTO watched VALUES (1)');
    const config = join(site.dir, 'scheduled.yaml');
    const plain = readFileSync(site.configFile, 'utf8');
    writeFileSync(config, `${plain}compare: { every: 1s, tables: [watched] }\n`);
    const admin = site.serviceWith('admin', 'scheduled', { config });
    admin.start();
    const watched = await waitFor('watched was compared', async () => {
      const { stdout } = await site.command(['status', '--json']);
      const { subscribers } = JSON.parse(stdout) as ScheduledStatus;
      const found = subscribers.flatMap((one) => one.tables.filter(({ name }) => name === 'public.watched'));
      return found.every(({ comparison }) => comparison !== null) ? found : undefined;
    });
    expect(watched).toMatchObject([
      { comparison: { state: 'equal', rows: 0, extra: 0 } },
      { comparison: { state: 'different', rows: 0, extra: 1 } },
    ]);
    expect((await site.command(['status'])).stdout).toContain('us: public.watched differed at tick');
    const { url } = JSON.parse(readFileSync(join(site.dir, 'data', 'run', 'admin.json'), 'utf8')) as { url: string };
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).toMatch(/millrace_admin_differing_rows\{[^}]*subscriber="us"[^}]*\} 1/);
    await admin.kill();
  });
});

describe('what cannot be compared', () => {
  test('a paused subscriber is reported so, the other is compared', async () => {
    await stage(site, { schema: 'CREATE TABLE calm (id int PRIMARY KEY)', tables: ['calm'] });
    await site.millrace('pause', 'eu');
    const paused = await compare('calm');
    expect(paused).toMatchObject({
      code: 1,
      subscribers_not_compared: [{ name: 'eu', reason: expect.stringContaining('paused') as string }],
      tables: [{ subscriber: 'us', state: 'equal' }],
    });
    await site.millrace('resume', 'eu');
    await waitFor('eu runs again', async () => (await compare('calm')).code === 0);
  });
});

test('compare --every goes on when the provider is away, and says so', async () => {
  await stage(site, { schema: 'CREATE TABLE watching (id int PRIMARY KEY)', tables: ['watching'] });
  const server = ground.server('provider');
  const seen: string[] = [];
  for await (const document of rounds(site, Number.POSITIVE_INFINITY, 'watching')) {
    const now = 'error' in document ? document.error.code : document.equal ? 'equal' : 'not equal';
    if (now === seen.at(-1)) continue;
    seen.push(now);
    if (seen.length === 1) await server.stop('immediate');
    else if (seen.includes('database-unreachable') && seen.filter((one) => one === 'equal').length === 1) {
      await server.start();
    } else if (now === 'equal') break;
  }
  expect(seen[0]).toBe('equal');
  expect(seen).toContain('database-unreachable');
});

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Database } from '../harness/database.ts';
import { Ground } from '../harness/ground.ts';
import { stage } from '../harness/scenario.ts';
import type { Site } from '../harness/site.ts';
import { waitFor } from '../harness/wait-for.ts';

interface Compared {
  readonly equal: boolean;
  readonly tables: readonly {
    readonly name: string;
    readonly subscriber: string;
    readonly state: string;
    readonly reason: string | null;
    readonly provider_rows: number;
    readonly subscriber_rows: number;
    readonly missing: number;
    readonly extra: number;
    readonly different: number;
    readonly differences: readonly { readonly kind: string; readonly key: Readonly<Record<string, string>> }[];
    readonly all_listed: boolean;
  }[];
  readonly subscribers_not_compared: readonly { readonly name: string; readonly reason: string }[];
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

/** Changes rows of a table at the provider, in small transactions, until told to stop. Resolves to the transactions made. */
function load(provider: Database, sql: (n: number) => string): { stop(): Promise<number> } {
  let running = true;
  const work = (async () => {
    let made = 0;
    while (running) {
      made += 1;
      await provider.run(sql(made));
    }
    return made;
  })();
  return {
    stop: () => {
      running = false;
      return work;
    },
  };
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

  test('gives no false alarm in many runs under load, with truncates among it', async () => {
    await stage(site, {
      schema: 'CREATE TABLE busy (id int PRIMARY KEY, v int); CREATE TABLE busy_two (id int PRIMARY KEY, v text)',
      tables: ['busy', 'busy_two'],
    });
    const traffic = load(site.provider, (n) =>
      n % 10 === 0
        ? 'TRUNCATE busy_two'
        : `INSERT INTO busy VALUES (${n}, 0) ON CONFLICT DO NOTHING; UPDATE busy SET v = v + 1 WHERE id > ${n - 10};
           INSERT INTO busy_two VALUES (${n}, repeat('x', ${n % 50})); DELETE FROM busy WHERE id < ${n - 300}`,
    );
    const wrong: unknown[] = [];
    for (let run = 0; run < 12; run += 1) {
      const result = await compare('busy', 'busy_two');
      wrong.push(...result.tables.filter(({ state }) => state !== 'equal'), ...result.subscribers_not_compared);
      expect(result.tables).toHaveLength(4);
    }
    await traffic.stop();
    expect(wrong).toEqual([]);
  });
});

describe('what cannot be compared', () => {
  test('a paused subscriber is told so, the other is compared', async () => {
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

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Ground } from '../harness/ground.ts';
import { report } from '../harness/report.ts';
import { figure, scaled } from '../harness/scale.ts';
import { expectEqual, stage } from '../harness/scenario.ts';
import type { Site } from '../harness/site.ts';

const batchRows = scaled(2_000_000);
const copyRows = scaled(1_000_000);
const valueMegabytes = scaled(100);

let ground: Ground;
let site: Site;

beforeAll(async () => {
  ground = await Ground.start({ name: 'large', servers: { provider: { major: 15 }, eu: { major: 18 } } });
  site = await ground.site({ name: 'large', provider: 'provider', subscribers: { eu: 'eu' } });
  await site.begin();
});

afterAll(() => ground.stop());

/** Megabytes at most resident since the start, by service. */
function memory(): Record<string, number> {
  const services = [...site.services].map(([name, service]) => [name, Math.round(service.peakMemory() / 2 ** 20)]);
  return Object.fromEntries(services) as Record<string, number>;
}

describe('much at once', () => {
  test(`a transaction of ${figure(batchRows)} rows and more arrives whole, in bounded memory`, {
    timeout: 300_000,
  }, async () => {
    await stage(site, { schema: 'CREATE TABLE many (id int PRIMARY KEY, a text, n int)', tables: ['many'] });
    await site.provider.run(`BEGIN; INSERT INTO many SELECT i, 'row ' || i, 0 FROM generate_series(1, ${batchRows}) i;
      UPDATE many SET n = 1 WHERE id % 10 = 0; DELETE FROM many WHERE id % 100 = 7; COMMIT`);
    await expectEqual(site, ['many'], 240_000);
    const peaks = memory();
    report('peak memory, MB', peaks);
    for (const [service, megabytes] of Object.entries(peaks)) expect(megabytes, service).toBeLessThan(512);
  });

  test(`a table of ${figure(copyRows)} rows is copied while it is written to`, { timeout: 300_000 }, async () => {
    await site.everywhere('CREATE TABLE big (id int PRIMARY KEY, a text, n int)');
    await site.provider.run(`INSERT INTO big SELECT i, repeat('x', i % 60), 0 FROM generate_series(1, ${copyRows}) i`);
    await site.millrace('add', 'big');
    for (let i = 1; i <= 40; i += 1) {
      await site.provider.run(`UPDATE big SET n = n + 1 WHERE id % 5000 = ${i}; DELETE FROM big WHERE id = ${(i * copyRows) / 50};
        INSERT INTO big VALUES (${2 * copyRows + i}, 'new', 0); UPDATE big SET id = -id WHERE id = ${i * 10 + 1}`);
    }
    await site.millrace('wait', '--timeout', '120s');
    await expectEqual(site, ['big'], 60_000);
  });

  test(`values of ${valueMegabytes} megabytes, text and bytes, arrive`, { timeout: 300_000 }, async () => {
    await stage(site, { schema: 'CREATE TABLE huge (id int PRIMARY KEY, t text, b bytea)', tables: ['huge'] });
    await site.provider.run(
      `INSERT INTO huge VALUES (1, repeat(E'0123"\\\\,\\n(', ${valueMegabytes * 100_000}), NULL)`,
    );
    await expectEqual(site, ['huge'], 120_000);
    await site.provider.run(
      `INSERT INTO huge SELECT 2, NULL, decode(repeat('00ff5c22', ${valueMegabytes * 250_000}), 'hex')`,
    );
    await expectEqual(site, ['huge'], 120_000);
    await site.provider.run('UPDATE huge SET id = id + 10');
    await expectEqual(site, ['huge'], 120_000);
    report('peak memory, MB', memory());
  });

  test('a thousand columns and long rows arrive', { timeout: 120_000 }, async () => {
    const columns = Array.from({ length: 1000 }, (_, at) => `c${at} text`).join(', ');
    const values = Array.from({ length: 1000 }, (_, at) => `'v${at}'`).join(', ');
    await stage(site, { schema: `CREATE TABLE wide (id int PRIMARY KEY, ${columns})`, tables: ['wide'] });
    await site.provider.run(
      `INSERT INTO wide SELECT i, ${values} FROM generate_series(1, 20) i; UPDATE wide SET c5 = NULL, c999 = ''`,
    );
    await expectEqual(site, ['wide'], 60_000);
  });

  test('a thousand small transactions are as many states, none of them lost', async () => {
    await stage(site, { schema: 'CREATE TABLE small (id int PRIMARY KEY, v int)', tables: ['small'] });
    await site.provider.within(async (client) => {
      for (let i = 1; i <= 1000; i += 1) {
        await client.query(`INSERT INTO small VALUES (${i}, 0); UPDATE small SET v = v + 1 WHERE id > ${i - 3}`);
      }
    });
    await expectEqual(site, ['small']);
  });
});

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Ground } from '../harness/ground.ts';
import { expectEqual, play } from '../harness/scenario.ts';
import type { Site } from '../harness/site.ts';

const schema = `
  CREATE TABLE entry (id serial PRIMARY KEY, item text);
  CREATE TABLE customer (id int PRIMARY KEY, name text NOT NULL);
  CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer int NOT NULL REFERENCES customer,
    total numeric(12,2), doubled numeric GENERATED ALWAYS AS (total * 2) STORED);
  CREATE TABLE empty_one (id int PRIMARY KEY);
  CREATE TABLE wide (a int, b text, c text DEFAULT 'd', PRIMARY KEY (b, a));`;
const tables = ['entry', 'customer', 'orders', 'empty_one', 'wide'];
const sequences = ['entry_id_seq'];

let ground: Ground;

beforeAll(async () => {
  ground = await Ground.start({ name: 'versions', servers: { pg15: { major: 15 }, pg18: { major: 18 } } });
});

afterAll(() => ground.stop());

describe.each(['pg15', 'pg18'])('from %s to 15 and to 18 at once', (provider) => {
  let site: Site;

  beforeAll(async () => {
    site = await ground.site({ name: `from_${provider}`, provider, subscribers: { old: 'pg15', young: 'pg18' } });
    await site.everywhere(schema);
    await site.provider.run(`INSERT INTO entry (item) SELECT 'item ' || i FROM generate_series(1, 5000) i;
      INSERT INTO customer SELECT i, 'c' || i FROM generate_series(1, 100) i;
      INSERT INTO orders (customer, total) SELECT 1 + i % 100, i / 7.0 FROM generate_series(1, 2000) i;
      INSERT INTO wide SELECT i, 'b' || i, NULL FROM generate_series(1, 50) i`);
    await site.begin({ tables, sequences });
  });

  afterAll(() => site.destroy());

  test('rows that were there are copied, empty tables and sequences with them', async () => {
    expect(await site.differences(tables, sequences)).toEqual([]);
    const status = await site.status();
    const states = status.subscribers.flatMap((subscriber) => subscriber.tables.map((table) => table.state));
    expect(new Set(states)).toEqual(new Set(['ok']));
    const entry = status.subscribers[0]?.tables.find((table) => table.name.includes('entry'));
    expect(entry?.copied_rows).toBe(5000);
  });

  test('inserts, updates, deletes, a changed key and a truncate follow', async () => {
    await play(site, tables, [
      "INSERT INTO entry (item) VALUES ('new'), (NULL), ('')",
      'UPDATE entry SET item = upper(item) WHERE id % 3 = 0',
      'DELETE FROM entry WHERE id % 10 = 1',
      'UPDATE entry SET id = id + 100000 WHERE id < 20',
      "BEGIN; DELETE FROM orders WHERE id < 100; UPDATE customer SET name = 'x' WHERE id = 5; COMMIT",
      "UPDATE wide SET b = b || '''' WHERE a < 10",
      'INSERT INTO empty_one VALUES (1)',
      'TRUNCATE wide',
      "INSERT INTO wide VALUES (1, 'after')",
    ]);
  });

  test('TRUNCATE CASCADE of two tables with a foreign key between them, and rows again', async () => {
    await play(site, tables, [
      "BEGIN; TRUNCATE customer CASCADE; INSERT INTO customer VALUES (1, 'one'); INSERT INTO orders (customer, total) VALUES (1, 2.5); COMMIT",
      'TRUNCATE customer, orders RESTART IDENTITY',
    ]);
  });

  test('a sequence is followed, so that a switch would not give a number twice', async () => {
    await site.provider.run("SELECT nextval('entry_id_seq') FROM generate_series(1, 7)");
    await expectEqual(site, tables);
    await expect.poll(() => site.differences([], sequences), { timeout: 20_000 }).toEqual([]);
    await site.provider.run("SELECT setval('entry_id_seq', 1000000, false)");
    await expect.poll(() => site.differences([], sequences), { timeout: 20_000 }).toEqual([]);
  });
});

import { connect, inSession, type PgClient, pinSettings } from '@millrace/postgres';
import { createDatabase, query } from '@millrace/testkit';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compareTable, openAtProvider, openAtSubscriber } from './compare-table.ts';
import { beginReadingSql, endReadingSql } from './plan-compare.ts';

const options = { applicationName: 'compare test' };
const sides = new Map<string, { url: string; client: PgClient }>();

beforeAll(async () => {
  for (const [name, major] of [
    ['provider', 15],
    ['subscriber', 18],
  ] as const) {
    const { url } = await createDatabase({ major });
    const client = await connect(url, options);
    await pinSettings(client);
    sides.set(name, { url, client });
  }
});

afterAll(async () => {
  for (const { client } of sides.values()) await client.end();
});

function side(name: 'provider' | 'subscriber') {
  const found = sides.get(name);
  if (found === undefined) throw new Error(name);
  return found;
}

async function everywhere(sql: string): Promise<void> {
  for (const { url } of sides.values()) await query(url, sql);
}

/** `kind key` of all that differs, sorted. `estimate` decides how many ranges the first look has. */
async function differences(table: string, key: readonly string[], estimate: number): Promise<string[]> {
  const [provider, subscriber] = [side('provider').client, side('subscriber').client];
  await provider.query(beginReadingSql);
  await subscriber.query(beginReadingSql);
  try {
    const ours = await openAtProvider(provider, { schema: 'public', name: table, key, estimate });
    const theirs = await openAtSubscriber(subscriber, 'eu', ours);
    const found = await compareTable(ours, theirs, 1_000_000);
    return found.differences.map((one) => `${one.kind} ${JSON.stringify(one.key)}`).sort();
  } finally {
    await provider.query(endReadingSql);
    await subscriber.query(endReadingSql);
  }
}

const plants = fc.uniqueArray(
  fc.record({ id: fc.integer({ min: 1, max: 700 }), kind: fc.constantFrom('missing', 'extra', 'different') }),
  { maxLength: 60, selector: ({ id }) => id },
);

describe('ranges', () => {
  test('whatever is planted is found, and nothing else, from few ranges or many', async () => {
    await everywhere('CREATE TABLE ranged (a text, b int, v text, PRIMARY KEY (a, b))');
    await fc.assert(
      fc.asyncProperty(plants, fc.constantFrom(0, 600, 100_000, 20_000_000), async (planted, estimate) => {
        await everywhere(`TRUNCATE ranged;
          INSERT INTO ranged SELECT 'key ' || i % 7, i, CASE WHEN i % 11 > 0 THEN 'value' END FROM generate_series(1, 600) i`);
        const ids = (kind: string) => planted.flatMap((one) => (one.kind === kind && one.id <= 600 ? [one.id] : []));
        const extra = planted.flatMap(({ kind, id }) => (kind === 'extra' ? [id + 1000] : []));
        await query(
          side('subscriber').url,
          `DELETE FROM ranged WHERE b = ANY ('{${ids('missing')}}');
           UPDATE ranged SET v = coalesce(v || ' ', '') WHERE b = ANY ('{${ids('different')}}');
           INSERT INTO ranged SELECT 'key ' || i % 7, i, 'own' FROM unnest('{${extra}}'::int[]) i`,
        );
        const expected = [
          ...ids('missing').map((id) => `missing ["key ${id % 7}","${id}"]`),
          ...extra.map((id) => `extra ["key ${id % 7}","${id}"]`),
          ...ids('different').map((id) => `different ["key ${id % 7}","${id}"]`),
        ];
        expect(await differences('ranged', ['a', 'b'], estimate)).toEqual(expected.sort());
      }),
      { numRuns: 25 },
    );
  });

  test('many differences in few ranges of a large table are narrowed down', async () => {
    await everywhere(
      'CREATE TABLE large (id int PRIMARY KEY, v int); INSERT INTO large SELECT i, i FROM generate_series(1, 250000) i',
    );
    await query(side('subscriber').url, 'DELETE FROM large WHERE id = 77; UPDATE large SET v = 0 WHERE id = 200000');
    // The statistics know of no rows: the first ranges are far too large.
    expect(await differences('large', ['id'], 0)).toEqual(['different ["200000"]', 'missing ["77"]']);
  });
});

describe('values', () => {
  test('columns in another order, further ones and generated ones make no difference; every text does', async () => {
    const { url: provider } = side('provider');
    const { url: subscriber } = side('subscriber');
    await query(
      provider,
      `CREATE TABLE shaped (id bool PRIMARY KEY, c char(4), n numeric, f float8, twice numeric GENERATED ALWAYS AS (n * 2) STORED)`,
    );
    await query(
      subscriber,
      `CREATE TABLE shaped (f float8, own text DEFAULT 'x', n numeric, twice numeric, id bool PRIMARY KEY, c char(4))`,
    );
    for (const url of [provider, subscriber]) {
      await query(url, `INSERT INTO shaped (id, c, n, f) VALUES (true, 'ab', 1.10, '-0'), (false, NULL, NULL, 'NaN')`);
    }
    expect(await differences('shaped', ['id'], 0)).toEqual([]);
    await query(subscriber, 'UPDATE shaped SET n = 1.1 WHERE id');
    expect(await differences('shaped', ['id'], 0)).toEqual(['different ["t"]']);
    await query(subscriber, `UPDATE shaped SET n = 1.10, f = '0' WHERE id; UPDATE shaped SET c = '' WHERE NOT id`);
    expect(await differences('shaped', ['id'], 0)).toEqual(['different ["f"]', 'different ["t"]']);
  });

  test('a column or the table that lacks is said, not guessed', async () => {
    await query(
      side('provider').url,
      'CREATE TABLE lacking (id int PRIMARY KEY, v int); CREATE TABLE alone (id int PRIMARY KEY)',
    );
    await query(side('subscriber').url, 'CREATE TABLE lacking (id int PRIMARY KEY)');
    await expect(differences('lacking', ['id'], 0)).rejects.toThrow('it lacks column "v"');
    await expect(differences('alone', ['id'], 0)).rejects.toThrow('it is missing there');
  });

  test('rows that a truncate took from under the snapshot are noticed', async () => {
    await everywhere('CREATE TABLE emptied (id int PRIMARY KEY); INSERT INTO emptied VALUES (1)');
    const { url, client } = side('provider');
    await client.query(beginReadingSql);
    await client.query('SELECT 1');
    await query(url, 'TRUNCATE emptied');
    const opened = openAtProvider(client, { schema: 'public', name: 'emptied', key: ['id'], estimate: 1 });
    await expect(opened).rejects.toMatchObject({ isPassing: true });
    await client.query(endReadingSql);
  });

  test('texts of databases with other encodings are the same by what they say', async () => {
    const { url } = side('subscriber');
    const latin = new URL(url);
    latin.pathname = `${latin.pathname}_latin`;
    await query(
      url,
      `CREATE DATABASE "${latin.pathname.slice(1)}" TEMPLATE template0 ENCODING 'LATIN1' LOCALE_PROVIDER libc LC_COLLATE 'C' LC_CTYPE 'C'`,
    );
    const text = `CREATE TABLE worded (w text PRIMARY KEY, v text); INSERT INTO worded VALUES ('grün', 'é'), ('plain', 'ö')`;
    await query(side('provider').url, text);
    await query(latin.href, text);
    await inSession(latin.href, options, async (client) => {
      await pinSettings(client);
      const provider = side('provider').client;
      for (const one of [client, provider]) await one.query(beginReadingSql);
      const ours = await openAtProvider(provider, { schema: 'public', name: 'worded', key: ['w'], estimate: 2 });
      const found = await compareTable(ours, await openAtSubscriber(client, 'eu', ours), 10);
      await provider.query(endReadingSql);
      expect(found).toMatchObject({ providerRows: 2, subscriberRows: 2, differences: [] });
    });
    await query(url, `DROP DATABASE "${latin.pathname.slice(1)}"`);
  });
});

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Ground } from '../harness/ground.ts';
import { expectEqual, stage } from '../harness/scenario.ts';
import type { Site } from '../harness/site.ts';
import { errorOf, expectStopped } from '../harness/stopped.ts';

let ground: Ground;
let site: Site;

beforeAll(async () => {
  ground = await Ground.start({ name: 'rename', servers: { provider: { major: 15 }, eu: { major: 18 } } });
  site = await ground.site({ name: 'rename', provider: 'provider', subscribers: { eu: 'eu' } });
  await site.begin();
});

afterAll(() => ground.stop());

const eu = (): ReturnType<Site['subscriber']> => site.subscriber('eu');

/** Applications at full speed whose statements do not name what is renamed. Ends them and gives what failed. */
function writers(table: string, count: number): () => Promise<string[]> {
  const failed: string[] = [];
  let running = true;
  const work = Array.from({ length: count }, (_, me) =>
    site.provider.within(async (client) => {
      for (let i = 0; running; i += 1) {
        const id = (me + 1) * 1_000_000 + i;
        const round = [
          `INSERT INTO ${table} VALUES (${id}, ${i}, 0, 'i')`,
          `UPDATE ${table} SET n = n + 1 WHERE n = ${i % 7}`,
          `BEGIN; UPDATE ${table} SET note = 'b${i}' WHERE n > ${i % 5}; INSERT INTO ${table} VALUES (${-id}, 0, 99, NULL); COMMIT`,
          `DELETE FROM ${table} WHERE n > 12 AND n % ${count} = ${me}`,
        ];
        for (const sql of round) {
          // Two of them may meet: that is between them.
          await client.query(sql).catch(async (error: unknown) => {
            if (!/deadlock/.test(String(error))) failed.push(String(error));
            await client.query('ROLLBACK');
          });
        }
      }
    }),
  );
  return async () => {
    running = false;
    await Promise.all(work);
    return failed;
  };
}

async function table(name: string): Promise<void> {
  await stage(site, {
    schema: `CREATE TABLE ${name} (id int PRIMARY KEY, v int, n int, note text)`,
    before: `INSERT INTO ${name} SELECT i, i, i % 10, 'old' FROM generate_series(1, 500) i`,
    tables: [name],
  });
}

describe('a renaming while applications write at full speed', () => {
  test('of a column: the subscriber says which one it lacks, and goes on when it is renamed there', async () => {
    await table('col');
    const stop = writers('col', 3);
    await site.sync();
    await site.provider.run('ALTER TABLE col RENAME v TO w');
    await expectStopped(site, 'eu', [/public\.col/, /lacks column "w"/, /RENAME COLUMN/]);
    await eu().run('ALTER TABLE col RENAME v TO w');
    await site.sync(undefined, 60_000);
    expect(await stop()).toEqual([]);
    await expectEqual(site, ['col'], 60_000);
  });

  test('of the key', async () => {
    await table('pk');
    const stop = writers('pk', 3);
    await site.sync();
    await site.provider.run('ALTER TABLE pk RENAME id TO ident');
    await expectStopped(site, 'eu', [/public\.pk/, /lacks column "ident"/]);
    await eu().run('ALTER TABLE pk RENAME id TO ident');
    await site.sync(undefined, 60_000);
    expect(await stop()).toEqual([]);
    await expectEqual(site, ['pk'], 60_000);
  });

  test('of column and key, again and again, with columns that come and go', async () => {
    await table('often');
    const stop = writers('often', 3);
    for (let round = 0; round < 3; round += 1) {
      await site.provider.run(`ALTER TABLE often RENAME id TO id${round}; ALTER TABLE often RENAME v TO v${round};
        ALTER TABLE often ADD x${round} int DEFAULT ${round}`);
      await site.provider.run(`UPDATE often SET x${round} = 7 WHERE n = 3`);
      await site.provider.run(`ALTER TABLE often RENAME id${round} TO id; ALTER TABLE often RENAME v${round} TO v;
        ALTER TABLE often DROP x${round}`);
    }
    await site.provider.run('ALTER TABLE often RENAME id TO ident');
    expect(await stop()).toEqual([]);
    await site.provider.run('UPDATE often SET n = n + 1');
    let isThere = false;
    const arrived = site.sync(undefined, 120_000).finally(() => {
      isThere = true;
    });
    while (!isThere) await give(/lacks column "(\w+)"/.exec(await errorOf(site, 'eu'))?.[1]);
    await arrived;
    await expectEqual(site, ['often'], 60_000);
  }, 240_000);
});

/** What the operator does about a column that is said to be missing: rename the one it was, or add it. */
async function give(name: string | undefined): Promise<void> {
  if (name === undefined) return;
  const rows = await eu().rows(
    "SELECT attname FROM pg_attribute WHERE attrelid = 'often'::regclass AND attnum > 0 AND NOT attisdropped",
  );
  const names = rows.map((row) => String(row['attname']));
  // Already given: what was said is from before.
  if (names.includes(name)) return;
  const old = names.find((one) => !name.startsWith('x') && one.startsWith(name.slice(0, 1)));
  await eu().run(
    old === undefined
      ? `ALTER TABLE often ADD ${name} int DEFAULT ${name.slice(1)}`
      : `ALTER TABLE often RENAME ${old} TO ${name}`,
  );
}

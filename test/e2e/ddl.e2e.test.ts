import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Ground } from '../harness/ground.ts';
import { expectEqual, stage } from '../harness/scenario.ts';
import type { Site } from '../harness/site.ts';
import { expectStopped } from '../harness/stopped.ts';

let ground: Ground;
let site: Site;

beforeAll(async () => {
  ground = await Ground.start({ name: 'ddl', servers: { provider: { major: 15 }, eu: { major: 18 } } });
  site = await ground.site({ name: 'ddl', provider: 'provider', subscribers: { eu: 'eu' } });
  await site.begin();
});

afterAll(() => ground.stop());

const eu = (): ReturnType<Site['subscriber']> => site.subscriber('eu');

async function table(name: string, columns: string): Promise<void> {
  await stage(site, {
    schema: `CREATE TABLE ${name} (${columns})`,
    before: `INSERT INTO ${name} SELECT i, i FROM generate_series(1, 20) i`,
    tables: [name],
  });
}

/** What a table lacks that is reported, its subscribers lack until it is added again: nobody waits for them in vain. */
async function leave(name: string): Promise<void> {
  await site.millrace('remove', name);
}

describe('a change of a table in the middle of traffic', () => {
  test('ADD COLUMN: the subscriber names the column it lacks, and goes on when it has it', async () => {
    await table('add_col', 'id int PRIMARY KEY, v int');
    await site.provider.run(`BEGIN; UPDATE add_col SET v = 0 WHERE id = 1; ALTER TABLE add_col ADD extra text DEFAULT 'd';
      UPDATE add_col SET v = 1 WHERE id < 5; INSERT INTO add_col VALUES (100, 1, 'x'); COMMIT`);
    await expectStopped(site, 'eu', [/add_col/, /extra/]);
    await site.provider.run("UPDATE add_col SET extra = 'later' WHERE id = 2");
    await eu().run("ALTER TABLE add_col ADD extra text DEFAULT 'd'");
    await expectEqual(site, ['add_col'], 60_000);
  });

  test('ADD COLUMN at the subscriber first: nothing stops', async () => {
    await table('add_first', 'id int PRIMARY KEY, v int');
    await eu().run('ALTER TABLE add_first ADD extra int');
    await site.provider.run(
      'UPDATE add_first SET v = 7 WHERE id = 3; ALTER TABLE add_first ADD extra int; UPDATE add_first SET extra = id',
    );
    await expectEqual(site, ['add_first']);
  });

  test('DROP COLUMN: rows go on, the column stays at the subscriber', async () => {
    await stage(site, { schema: 'CREATE TABLE drop_col (id int PRIMARY KEY, gone int, v text)', tables: ['drop_col'] });
    await site.provider.run(`INSERT INTO drop_col VALUES (1, 1, 'a'); BEGIN; UPDATE drop_col SET v = 'b';
      ALTER TABLE drop_col DROP COLUMN gone; INSERT INTO drop_col VALUES (2, 'c'); UPDATE drop_col SET v = v || '!'; COMMIT`);
    await expectEqual(site, ['drop_col']);
  });

  test('RENAME COLUMN: the subscriber names the new column, and goes on when it is renamed there', async () => {
    await table('ren_col', 'id int PRIMARY KEY, v int');
    await site.provider.run(
      'ALTER TABLE ren_col RENAME v TO w; UPDATE ren_col SET w = w + 1; INSERT INTO ren_col VALUES (50, 50)',
    );
    await expectStopped(site, 'eu', [/ren_col/, /"?w"?/]);
    await eu().run('ALTER TABLE ren_col RENAME v TO w');
    await expectEqual(site, ['ren_col'], 60_000);
  });

  test('ALTER TYPE: a value that does not fit stops with the table, and goes on when the column is wider', async () => {
    await table('retype', 'id int PRIMARY KEY, v int');
    await site.provider.run(
      "ALTER TABLE retype ALTER v TYPE text USING 'n' || v; UPDATE retype SET v = v || '?' WHERE id < 4",
    );
    await expectStopped(site, 'eu', [/retype/]);
    await eu().run("ALTER TABLE retype ALTER v TYPE text USING 'n' || v");
    await expectEqual(site, ['retype'], 60_000);
  });

  test('the key is renamed while a session goes on changing keys: its statements do not fail', async () => {
    await table('ren_key', 'id int PRIMARY KEY, v int');
    await site.provider.within(async (client) => {
      await client.query('UPDATE ren_key SET id = id + 100 WHERE id = 1');
      await site.sync();
      await site.provider.run('ALTER TABLE ren_key RENAME id TO ident');
      await client.query('UPDATE ren_key SET ident = ident + 100 WHERE ident = 2');
      await client.query('DELETE FROM ren_key WHERE ident = 3');
      await client.query('INSERT INTO ren_key VALUES (777, 7)');
    });
    await expectStopped(site, 'eu', [/ren_key/, /ident/]);
    await eu().run('ALTER TABLE ren_key RENAME id TO ident');
    await expectEqual(site, ['ren_key'], 60_000);
  });

  test('a column is renamed between two changes of one transaction: at worst the table is to be added again', async () => {
    await table('ren_mid', 'id int PRIMARY KEY, v int');
    await site.provider.run(`BEGIN; UPDATE ren_mid SET v = -1 WHERE id = 1; ALTER TABLE ren_mid RENAME v TO w;
      UPDATE ren_mid SET w = -2 WHERE id = 2; COMMIT`);
    await expectStopped(site, 'eu', [/ren_mid/]);
    await eu().run('ALTER TABLE ren_mid RENAME v TO w');
    await site.sync(undefined, 5000).catch(async () => {
      // The batch knows both names, and the subscriber can have one only.
      await expectStopped(site, 'eu', [/ren_mid/]);
      await site.millrace('remove', 'ren_mid');
      await eu().run('TRUNCATE ren_mid');
      await site.millrace('add', 'ren_mid');
      await site.millrace('wait', '--timeout', '30s');
    });
    await expectEqual(site, ['ren_mid'], 60_000);
  });

  test('the key is replaced by another one', async () => {
    await stage(site, {
      schema: 'CREATE TABLE new_key (a int PRIMARY KEY, b int NOT NULL UNIQUE, v int)',
      before: 'INSERT INTO new_key SELECT i, i * 10, 0 FROM generate_series(1, 20) i',
      tables: ['new_key'],
    });
    await site.provider.run('BEGIN; ALTER TABLE new_key DROP CONSTRAINT new_key_pkey, ADD PRIMARY KEY (b); COMMIT');
    await eu().run('BEGIN; ALTER TABLE new_key DROP CONSTRAINT new_key_pkey, ADD PRIMARY KEY (b); COMMIT');
    await site.provider.run(
      'UPDATE new_key SET v = 1 WHERE a < 5; UPDATE new_key SET b = b + 1 WHERE a > 15; DELETE FROM new_key WHERE a = 7',
    );
    await expectEqual(site, ['new_key'], 60_000);
  });

  test('prepared statements of the application survive every change', async () => {
    await table('prepared', 'id int PRIMARY KEY, v int');
    await eu().run('ALTER TABLE prepared ADD a int, ADD b text');
    await site.provider.within(async (client) => {
      await client.query('PREPARE up AS UPDATE prepared SET v = v + 1 WHERE id = $1');
      await client.query('PREPARE ins AS INSERT INTO prepared (id, v) VALUES ($1, 0)');
      const changes = [
        'ADD a int DEFAULT 3',
        'ADD b text',
        'DROP COLUMN a',
        'ALTER b TYPE varchar(9)',
        'ALTER v TYPE bigint',
        'ADD CHECK (v > -1)',
      ];
      for (const [at, change] of ['', ...changes].entries()) {
        if (change !== '') await site.provider.run(`ALTER TABLE prepared ${change}`);
        await client.query(`EXECUTE up(${at + 1})`);
        await client.query(`EXECUTE ins(${at + 1000})`);
      }
    });
    await expectEqual(site, ['prepared']);
  });

  test('another table under the old name, or a renamed one, is reported and never mixed up silently', async () => {
    await table('swapped', 'id int PRIMARY KEY, v int');
    await site.provider.run(
      'ALTER TABLE swapped RENAME TO swapped_old; CREATE TABLE swapped (id int PRIMARY KEY, v int)',
    );
    await site.provider.run('INSERT INTO swapped VALUES (1, 1); UPDATE swapped_old SET v = 5 WHERE id = 1');
    await expect
      .poll(async () => JSON.stringify(await site.status()), { timeout: 30_000, interval: 500 })
      .toMatch(/swapped/);
    await expect
      .poll(async () => (await site.command(['status'])).stdout, { timeout: 30_000, interval: 500 })
      .toMatch(/swapped.*(renamed|replaced|other|trigger|no longer)/is);
    await leave('swapped');
  });

  test('capture switched off by ALTER TABLE … DISABLE TRIGGER is reported', async () => {
    await table('disabled', 'id int PRIMARY KEY, v int');
    await site.provider.run('ALTER TABLE disabled DISABLE TRIGGER USER');
    await expect
      .poll(async () => (await site.command(['status'])).stdout, { timeout: 30_000, interval: 500 })
      .toMatch(/disabled.*trigger/is);
    await leave('disabled');
  });

  test('a partition that is attached or detached with its rows is followed or reported', async () => {
    await stage(site, {
      schema: `CREATE TABLE divided (id int PRIMARY KEY, v int) PARTITION BY RANGE (id);
        CREATE TABLE divided_1 PARTITION OF divided FOR VALUES FROM (0) TO (100);
        CREATE TABLE divided_2 (id int PRIMARY KEY, v int)`,
      before: 'INSERT INTO divided SELECT i, 0 FROM generate_series(1, 9) i',
      tables: ['divided'],
    });
    await eu().run('ALTER TABLE divided ATTACH PARTITION divided_2 FOR VALUES FROM (100) TO (200)');
    await site.provider.run('INSERT INTO divided_2 VALUES (150, 1)');
    await site.provider.run('ALTER TABLE divided ATTACH PARTITION divided_2 FOR VALUES FROM (100) TO (200)');
    await expect
      .poll(async () => (await site.command(['status'])).stdout, { timeout: 30_000, interval: 500 })
      .toMatch(/divided_2 came with rows/);
    await site.provider.run('INSERT INTO divided VALUES (101, 1); UPDATE divided SET v = 5 WHERE id = 101');
    await site.millrace('add', 'divided');
    await site.millrace('wait', '--timeout', '60s');
    await expectEqual(site, ['divided'], 60_000);
  });

  test('under constant load: columns come, change and go, and no statement of the application fails', async () => {
    await table('busy', 'id int PRIMARY KEY, v int');
    const rounds = [1, 2, 3, 4, 5, 6, 7, 8];
    // A name that comes back is another column: the subscriber has one for each.
    await eu().run(`ALTER TABLE busy ${rounds.map((n) => `ADD a${n} int, ADD b${n} text, ADD c${n} numeric`).join()}`);
    let running = true;
    const failed: string[] = [];
    const writer = site.provider.within(async (client) => {
      for (let i = 0; running; i += 1) {
        await client
          .query(
            `UPDATE busy SET v = v + 1, id = CASE WHEN id = 20 THEN 21 WHEN id = 21 THEN 20 ELSE id END WHERE id > ${i % 15}`,
          )
          .catch((error: unknown) => failed.push(String(error)));
      }
    });
    for (const n of rounds) {
      await site.provider.run(`ALTER TABLE busy ADD a${n} int DEFAULT 1`);
      await site.provider.run(`ALTER TABLE busy ADD b${n} text; UPDATE busy SET b${n} = 'b' || id WHERE id < 9`);
      await site.provider.run(
        `ALTER TABLE busy DROP COLUMN a${n}, ADD c${n} numeric; UPDATE busy SET c${n} = id / 3.0`,
      );
      await site.provider.run(`ALTER TABLE busy DROP COLUMN b${n}, DROP COLUMN c${n}`);
    }
    running = false;
    await writer;
    expect(failed).toEqual([]);
    await expectEqual(site, ['busy'], 60_000);
  });
});

describe('what the subscriber lacks', () => {
  test('its table is dropped and comes back', async () => {
    await table('lost', 'id int PRIMARY KEY, v int');
    await eu().run('ALTER TABLE lost RENAME TO hidden');
    await site.provider.run('UPDATE lost SET v = 5 WHERE id = 1');
    await expectStopped(site, 'eu', [/lost/]);
    await eu().run('ALTER TABLE hidden RENAME TO lost');
    await expectEqual(site, ['lost'], 60_000);
  });

  test('a constraint of its own refuses a row: the sentence names table and constraint, and not the value', async () => {
    await table('checked', 'id int PRIMARY KEY, v int');
    await eu().run('ALTER TABLE checked ADD CONSTRAINT not_secret CHECK (v <> 424242)');
    await site.provider.run('UPDATE checked SET v = 424242 WHERE id = 1');
    await expectStopped(site, 'eu', [/checked/, /not_secret/]);
    expect(await site.diagnosis()).not.toContain('424242');
    await eu().run('ALTER TABLE checked DROP CONSTRAINT not_secret');
    await expectEqual(site, ['checked'], 60_000);
  });

  test('a row that somebody put or took away there is a conflict that stops, and heals when it is mended', async () => {
    await table('meddled', 'id int PRIMARY KEY, v int');
    await eu().run('DELETE FROM meddled WHERE id = 5');
    await site.provider.run('UPDATE meddled SET v = 50 WHERE id = 5');
    await expectStopped(site, 'eu', [/meddled/]);
    await eu().run('INSERT INTO meddled VALUES (5, 5)');
    await expectEqual(site, ['meddled'], 60_000);
    await eu().run('INSERT INTO meddled VALUES (900, 1)');
    await site.provider.run('INSERT INTO meddled VALUES (900, 2)');
    await expectStopped(site, 'eu', [/meddled/]);
    await eu().run('DELETE FROM meddled WHERE id = 900');
    await expectEqual(site, ['meddled'], 60_000);
  });

  test('an enum value arrives before its type knows it', async () => {
    await site.everywhere("CREATE TYPE grade AS ENUM ('a', 'b')");
    await stage(site, { schema: 'CREATE TABLE graded (id int PRIMARY KEY, g grade)', tables: ['graded'] });
    await site.provider.run("ALTER TYPE grade ADD VALUE 'c'");
    await site.provider.run("INSERT INTO graded VALUES (1, 'c')");
    await expectStopped(site, 'eu', [/graded/]);
    await eu().run("ALTER TYPE grade ADD VALUE 'c'");
    await expectEqual(site, ['graded'], 60_000);
  });
});

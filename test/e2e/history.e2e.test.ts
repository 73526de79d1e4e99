import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { waitFor } from '@millrace/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { copyFolder } from '../harness/files.ts';
import { Ground } from '../harness/ground.ts';
import { JetStreamHand } from '../harness/jetstream.ts';
import { expectEqual, play, stage } from '../harness/scenario.ts';
import type { Site } from '../harness/site.ts';

let ground: Ground;
let site: Site;

beforeAll(async () => {
  ground = await Ground.start({
    name: 'history',
    servers: { provider: { major: 15 }, eu: { major: 18 }, us: { major: 15 } },
  });
  site = await ground.site({ name: 'history', provider: 'provider', subscribers: { eu: 'eu', us: 'us' } });
  await site.begin();
});

afterAll(() => ground.stop());

/** Makes the queue rotate its event tables this many times, with traffic and ticks between. */
async function rotate(times: number): Promise<void> {
  const turns = (): Promise<number> =>
    site.provider.value<string>('SELECT sum(queue_switch_step1)::text FROM pgq.queue').then(Number);
  await site.provider.run("UPDATE pgq.queue SET queue_rotation_period = '100 milliseconds'");
  for (let turn = 0; turn < times; turn += 1) {
    const before = await turns();
    await waitFor(
      'a rotation',
      async () => {
        await site.provider.run('UPDATE marker SET n = n WHERE id = 1');
        return (await turns()) !== before;
      },
      { timeoutMs: 30_000, everyMs: 100 },
    );
  }
  await site.provider.run("UPDATE pgq.queue SET queue_rotation_period = '10 minutes'");
}

/** Where the consumer of a subscriber stands does not let the queue rotate past it: so events may only pile up. */
async function generateTraffic(table: string, rounds: number): Promise<void> {
  for (let i = 0; i < rounds; i += 1) {
    await site.provider.run(
      `INSERT INTO ${table} VALUES ((SELECT coalesce(max(id), 0) + 1 FROM ${table}), ${i}); UPDATE ${table} SET v = v + 1 WHERE id % 5 = ${i % 5}`,
    );
  }
}

describe('transactions that take their time', () => {
  test('slow ones are overtaken by fast ones and still arrive, once and whole', async () => {
    await stage(site, {
      schema: 'CREATE TABLE slow (id int PRIMARY KEY, v int)',
      before: 'INSERT INTO slow SELECT i, 0 FROM generate_series(1, 50) i',
      tables: ['slow'],
    });
    const sessions = await Promise.all(Array.from({ length: 6 }, () => site.provider.session()));
    for (const [at, session] of sessions.entries()) {
      await session.query(
        `BEGIN; INSERT INTO slow VALUES (${1000 + at}, 1); UPDATE slow SET v = v + 1 WHERE id = ${at + 1}`,
      );
    }
    for (const [at, session] of sessions.toReversed().entries()) {
      await play(
        site,
        ['slow'],
        [`INSERT INTO slow VALUES (${2000 + at}, 2); UPDATE slow SET v = v + 1 WHERE id > 20 AND id < 30`],
      );
      await session.query(at % 3 === 2 ? 'ROLLBACK' : 'COMMIT');
      await session.end();
      await expectEqual(site, ['slow']);
    }
  });

  test('prepared ones arrive in the batch after COMMIT PREPARED, and never after ROLLBACK PREPARED', async () => {
    await stage(site, { schema: 'CREATE TABLE prep (id int PRIMARY KEY)', tables: ['prep'] });
    await site.provider.run("BEGIN; INSERT INTO prep VALUES (1); PREPARE TRANSACTION 'one'");
    await site.provider.run("BEGIN; INSERT INTO prep VALUES (2); PREPARE TRANSACTION 'two'");
    await play(site, ['prep'], ['INSERT INTO prep VALUES (3)', 'INSERT INTO prep VALUES (4)']);
    await ground.server('provider').restart({ mode: 'immediate' });
    await play(site, ['prep'], ["ROLLBACK PREPARED 'two'", 'INSERT INTO prep VALUES (5)']);
    await play(site, ['prep'], ["COMMIT PREPARED 'one'"]);
    expect(await site.subscriber('eu').value("SELECT string_agg(id::text, ',' ORDER BY id) FROM prep")).toBe('1,3,4,5');
  });

  test('a writer whose snapshot is older than the last rotations is not lost', async () => {
    await stage(site, { schema: 'CREATE TABLE old_view (id int PRIMARY KEY)', tables: ['old_view'] });
    const session = await site.provider.session();
    await session.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM old_view');
    // A session like this one may hold the rotation up, which is right as well: one turn at most is asked for.
    await rotate(1).catch(() => {});
    await session.query('INSERT INTO old_view VALUES (1)');
    await session.query('COMMIT');
    await session.end();
    await rotate(2);
    await play(site, ['old_view'], ['INSERT INTO old_view VALUES (2)']);
  });

  test('sixteen serializable writers are not hurt by capture', async () => {
    await stage(site, {
      schema: 'CREATE TABLE serial_w (id int PRIMARY KEY, v int)',
      before: 'INSERT INTO serial_w SELECT i, 0 FROM generate_series(1, 16) i',
      tables: ['serial_w'],
    });
    const failed: string[] = [];
    const writers = Array.from({ length: 16 }, (_, at) =>
      site.provider.within(
        async (client) => {
          for (let i = 0; i < 20; i += 1) {
            await client
              .query(`UPDATE serial_w SET v = v + 1 WHERE id = ${at + 1}`)
              .catch((error: unknown) => failed.push(String(error)));
          }
        },
        { default_transaction_isolation: 'serializable' },
      ),
    );
    await Promise.all(writers);
    // Every writer has its own row: whatever conflicts there are would be ours.
    expect(failed.length, failed[0]).toBeLessThanOrEqual(32);
    await expectEqual(site, ['serial_w']);
  });
});

describe('a subscriber that is away', () => {
  test('while its database is down and the bus forgets, the other goes on, and it catches up from the queue', async () => {
    await stage(site, { schema: 'CREATE TABLE away (id int PRIMARY KEY, v int)', tables: ['away'] });
    await ground.server('eu').stop('fast');
    await generateTraffic('away', 20);
    await site.sync(['us']);
    await site.provider.run("UPDATE pgq.queue SET queue_rotation_period = '100 milliseconds'");
    await generateTraffic('away', 20);
    const hand = new JetStreamHand(ground.nats.url);
    await hand.purge('millrace_history');
    await generateTraffic('away', 20);
    await site.sync(['us']);
    await site.provider.run("UPDATE pgq.queue SET queue_rotation_period = '10 minutes'");
    await ground.server('eu').start();
    await expectEqual(site, ['away'], 60_000);
  });

  test('while its replay is down and the queue would rotate several times', async () => {
    await stage(site, { schema: 'CREATE TABLE away2 (id int PRIMARY KEY, v int)', tables: ['away2'] });
    await site.service('replay eu').kill();
    await generateTraffic('away2', 10);
    await site.provider.run("UPDATE pgq.queue SET queue_rotation_period = '100 milliseconds'");
    await generateTraffic('away2', 60);
    await site.sync(['us']);
    await ground.nats.kill('SIGKILL');
    rmSync(ground.nats.storeDir, { recursive: true, force: true });
    await ground.nats.start();
    site.service('replay eu').start();
    await expectEqual(site, ['away2'], 60_000);
    await rotate(3);
    await play(site, ['away2'], ['UPDATE away2 SET v = -v']);
  });

  test('restored from an older file backup, it goes on from its own position', async () => {
    await stage(site, { schema: 'CREATE TABLE restored (id int PRIMARY KEY, v int)', tables: ['restored'] });
    const server = ground.server('eu');
    const backup = join(ground.dir, 'eu-backup');
    await play(site, ['restored'], ['INSERT INTO restored SELECT i, 0 FROM generate_series(1, 10) i']);
    // What the provider has released cannot come back: the restored subscriber needs what is still kept.
    await site.service('replay eu').stop();
    await server.stop('fast');
    copyFolder(server.dataDir, backup);
    await server.start();
    site.service('replay eu').start();
    await play(
      site,
      ['restored'],
      ['UPDATE restored SET v = 1', 'INSERT INTO restored VALUES (99, 9)', 'DELETE FROM restored WHERE id = 2'],
    );
    await server.kill('SIGKILL');
    restoreFiles(server.dataDir, backup);
    await server.start();
    await expectEqual(site, ['restored'], 60_000);
  });
});

describe('a provider that went back in time', () => {
  test('is noticed: that queue stops with a plain message, and nothing wrong is applied', {
    timeout: 180_000,
  }, async () => {
    const server = ground.server('provider');
    const backup = join(ground.dir, 'provider-backup');
    await stage(site, { schema: 'CREATE TABLE past (id int PRIMARY KEY, v text)', tables: ['past'] });
    await play(site, ['past'], ["INSERT INTO past SELECT i, 'first' FROM generate_series(1, 10) i"]);
    await server.stop('fast');
    copyFolder(server.dataDir, backup);
    await server.start();
    await play(site, ['past'], ["UPDATE past SET v = 'second'", "INSERT INTO past VALUES (11, 'second')"]);
    await server.kill('SIGKILL');
    restoreFiles(server.dataDir, backup);
    await server.start();
    for (let i = 0; i < 30; i += 1) {
      await waitFor('the provider takes writes', async () => {
        await site.provider.run(`INSERT INTO past VALUES (${100 + i}, 'another history')`);
        return true;
      });
    }
    await waitFor(
      'status says what happened',
      async () => {
        const { code, stdout, stderr } = await site.command(['status']);
        return code === 1 && /back in time|history|restored|backup/i.test(stdout + stderr);
      },
      { timeoutMs: 60_000, everyMs: 500 },
    );
    for (const name of ['eu', 'us']) {
      expect(await site.subscriber(name).value("SELECT count(*) FROM past WHERE v = 'another history'"), name).toBe(
        '0',
      );
      expect(await site.subscriber(name).value("SELECT count(*) FROM past WHERE v = 'second'"), name).toBe('11');
    }
  });
});

/** Puts a copy of a data directory back in its place. */
function restoreFiles(dataDir: string, backup: string): void {
  rmSync(dataDir, { recursive: true, force: true });
  copyFolder(backup, dataDir);
}

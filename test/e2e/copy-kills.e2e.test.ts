// A copy that takes a while, and what it keeps when a part of Millrace or a server dies in the middle of it.
import { waitFor } from '@millrace/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Ground } from '../harness/ground.ts';
import { expectEqual } from '../harness/scenario.ts';
import type { ServiceProcess } from '../harness/service-process.ts';
import type { Site } from '../harness/site.ts';

let ground: Ground;
let site: Site;
let capture: ServiceProcess;

beforeAll(async () => {
  ground = await Ground.start({ name: 'copy-kills', servers: { provider: { major: 15 }, eu: { major: 18 } } });
  site = await ground.site({ name: 'kills', provider: 'provider', subscribers: { eu: 'eu' } });
  await site.begin();
  await site.service('capture').kill();
  // Slow enough to be met in the middle.
  capture = site.serviceWith('capture', 'slow', { env: { MILLRACE_FAILPOINTS: 'capture.copy-chunk=delay:60' } });
  capture.start();
  await site.everywhere('CREATE TABLE big (id int PRIMARY KEY, t text)');
  await site.provider.run(`ALTER TABLE big ALTER t SET STORAGE PLAIN`);
  await site.provider.run(`INSERT INTO big SELECT i, repeat(md5(i::text), 16) FROM generate_series(1, 80000) i`);
  await site.subscriber('eu').run(`INSERT INTO big VALUES (5, 'stale'), (-5, 'extra')`);
});

afterAll(() => ground.stop());

/** Rows that a subscriber has committed beside the table. */
async function staged(): Promise<number> {
  const rows = await site
    .subscriber('eu')
    .rows('SELECT coalesce(sum(rows), 0)::int AS n FROM millrace.copy_part')
    .catch(() => []);
  return Number(rows[0]?.['n'] ?? 0);
}

const middle = () => waitFor('a part of the copy is in', async () => (await staged()) > 0, { timeoutMs: 60_000 });

test('a replay that is killed goes on with what it has, and the copy is not sent again', async () => {
  await site.millrace('add', 'big');
  await middle();
  await site.service('replay eu').kill();
  const kept = await staged();
  expect(kept).toBeLessThan(80_000);
  await site.provider.run(`UPDATE big SET t = 'changed' WHERE id % 1000 = 0`);
  site.service('replay eu').start();
  await site.millrace('wait', '--timeout', '90s');
  await expectEqual(site, ['big']);
  expect(site.service('replay eu').log).toMatch(/the copy goes on/);
  const eu = site.subscriber('eu');
  expect(await eu.rows(`SELECT copy_attempt FROM millrace.subscribed_table WHERE table_name = 'big'`)).toEqual([
    { copy_attempt: 1 },
  ]);
});

test('a copy comes through when bus, subscriber and capture are killed one after the other', async () => {
  const eu = site.subscriber('eu');
  await eu.run(`UPDATE big SET t = 'wrong' WHERE id % 500 = 1`);
  await site.millrace('resync', 'big', '--yes');
  await middle();
  await ground.nats.kill('SIGKILL');
  await ground.nats.start();
  await site.provider.run(`DELETE FROM big WHERE id % 1000 = 3`);
  await ground.server('eu').kill('SIGKILL');
  await ground.server('eu').start();
  await capture.kill();
  capture.start();
  await site.millrace('wait', '--timeout', '110s');
  await expectEqual(site, ['big']);
  expect(await eu.value(`SELECT count(*) FROM pg_class WHERE relname ~ '^copy_[0-9]'`)).toBe('0');
});

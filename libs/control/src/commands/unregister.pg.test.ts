// A subscriber that will not come back is forgotten on all sides; one that does come back begins anew.
import { connectBus, ensureBucket, listKeys, putKey } from '@millrace/bus';
import { query, sharedNatsUrl } from '@millrace/testkit';
import { bucketName } from '@millrace/wire';
import { expect, onTestFinished, test } from 'vitest';
import { type CommandSite, makeSite } from '../../test/command-site.ts';

async function withTable(): Promise<CommandSite> {
  const site = await makeSite();
  await site.do('install');
  await site.everywhere('CREATE TABLE entry (id int PRIMARY KEY)');
  await site.do('add', 'entry');
  return site;
}

const eu = (site: CommandSite) => site.subscribers['eu'] ?? '';
const consumers = async (site: CommandSite) =>
  (
    await query(
      site.provider,
      'SELECT co_name FROM pgq.subscription JOIN pgq.consumer ON co_id = sub_consumer ORDER BY 1',
    )
  ).map((row) => row['co_name']);
const positions = (url: string) => query(url, 'SELECT tick FROM millrace.position');

async function keys(site: CommandSite): Promise<string[]> {
  const bus = await connectBus(sharedNatsUrl(), { name: 'test' });
  return (await listKeys(bus, bucketName(site.queue)).finally(() => bus.close())).sort();
}

/** What a replay and `add` on a provider's host leave on the bus. */
async function leaveKeys(site: CommandSite, ...names: string[]): Promise<void> {
  const bus = await connectBus(sharedNatsUrl(), { name: 'test' });
  onTestFinished(() => bus.close());
  const bucket = { bucket: bucketName(site.queue) };
  await ensureBucket(bus, bucket);
  for (const key of names) await putKey(bus, bucket, { key, value: 'x' });
}

test('it leaves nothing behind on any side, touches nobody else, and can be repeated', async () => {
  const site = await withTable();
  await leaveKeys(site, 'eu', 'copy/eu/public=2Eentry', 'us', 'copy/us/public=2Eentry', 'europe');
  const { document } = await site.do('unregister', 'eu', '--yes');
  expect(document).toEqual({ unregistered: 'eu', record: true, database: true, keys: 3 });
  expect(await consumers(site)).toEqual(['millrace.us']);
  expect(await query(site.provider, 'SELECT name FROM millrace.subscriber')).toEqual([{ name: 'us' }]);
  expect(await query(site.provider, 'SELECT subscribers, state FROM millrace.copy_request')).toEqual([
    { subscribers: ['us'], state: 'wanted' },
  ]);
  expect(await keys(site)).toEqual(['copy/us/public=2Eentry', 'europe', 'start/us', 'us']);
  for (const table of ['position', 'subscribed_table', 'control', 'pending'])
    expect(await query(eu(site), `SELECT * FROM millrace.${table}`)).toEqual([]);
  expect(await positions(site.subscribers['us'] ?? '')).toHaveLength(1);
  const audit = "SELECT detail ->> 'name' AS name FROM millrace.audit WHERE what = 'unregister subscriber'";
  expect(await query(site.provider, audit)).toEqual([{ name: 'eu' }]);
  expect(await query(eu(site), "SELECT count(*)::int AS n FROM millrace.audit WHERE what = 'unregister'")).toEqual([
    { n: 1 },
  ]);
  const again = await site.do('unregister', 'eu', '--yes');
  expect(again.notes).toContain('eu: nothing to do');
  // Out of the configuration, too, as it should be by then.
  expect((await site.host({ provider: true, withUrl: ['us'] }).do('unregister', 'eu', '--yes')).notes).toContain(
    'eu: nothing to do',
  );
});

test('it needs --yes and a subscriber that was once registered', async () => {
  const site = await withTable();
  expect((await site.run('unregister', 'eu')).error).toMatchObject({
    code: 'usage',
    message: expect.stringMatching(/--yes/),
  });
  expect((await site.run('unregister', 'asia', '--yes')).error).toMatchObject({
    code: 'usage',
    message: expect.stringMatching(/there is eu, us/),
  });
  expect(await consumers(site)).toEqual(['millrace.eu', 'millrace.us']);
  expect(await positions(eu(site))).toHaveLength(1);
});

test('the queue is freed also when the database of the subscriber is out of reach', async () => {
  const site = await withTable();
  const { notes, document } = await site
    .host({ provider: true, withUrl: ['us'], without: ['eu'] })
    .do('unregister', 'eu', '--yes');
  expect(document).toMatchObject({ record: true, database: false });
  expect(notes.join('\n')).toMatch(/subscriber eu: left unchanged .*before `install`/);
  expect(await consumers(site)).toEqual(['millrace.us']);
  expect(await positions(eu(site))).toHaveLength(1);
});

test('a subscriber that comes back with an old position is not registered on top of it', async () => {
  const site = await withTable();
  await site.host({ provider: true, withUrl: ['us'], without: ['eu'] }).do('unregister', 'eu', '--yes');
  const back = await site.run('install');
  expect(back.error).toMatchObject({
    code: 'position',
    message: expect.stringMatching(/subscriber eu: .*unregister eu --yes/),
  });
  expect(await consumers(site)).toEqual(['millrace.us']);
  expect((await site.run('status')).document).toMatchObject({
    ok: false,
    subscribers: [{ name: 'eu', state: 'stopped', error: { code: 'not-installed' } }, { name: 'us' }],
  });
  await site.do('unregister', 'eu', '--yes');
  await site.do('install');
  expect(await consumers(site)).toEqual(['millrace.eu', 'millrace.us']);
});

test('registered again it begins at a new tick, follows nothing, and add asks for a new copy', async () => {
  const site = await withTable();
  const [before] = await positions(eu(site));
  await site.do('unregister', 'eu', '--yes');
  await site.do('install');
  const [after] = await positions(eu(site));
  expect(Number(after?.['tick'])).toBeGreaterThan(Number(before?.['tick']));
  expect((await site.do('tables')).document).toMatchObject({
    tables: [{ subscribers: { eu: null, us: 'registered' } }],
  });
  await site.do('add', 'entry');
  expect(await query(eu(site), 'SELECT state, copy_id FROM millrace.subscribed_table')).toEqual([
    { state: 'registered', copy_id: expect.stringMatching(/^\d{10,}$/) },
  ]);
});

test('a far host that kept its position from before is reported to begin anew, and does so', async () => {
  const site = await withTable();
  const near = site.host({ provider: true, withUrl: ['us'], without: ['eu'] });
  const far = site.host({ provider: false, withUrl: ['eu'] });
  await near.do('unregister', 'eu', '--yes');
  await near.do('install');
  expect((await far.do('install')).notes.join('\n')).toMatch(
    /eu: its position, tick \d+, is older .*unregister eu --yes/,
  );
  await far.do('unregister', 'eu', '--yes');
  expect((await far.do('install')).notes.join('\n')).toMatch(/schema installed, at tick/);
  const [record] = await query(site.provider, "SELECT tick FROM millrace.subscriber WHERE name = 'eu'");
  expect(await positions(eu(site))).toEqual([record]);
});

test('a subscriber whose position row was lost is forgotten whole', async () => {
  const site = await withTable();
  await query(eu(site), 'DELETE FROM millrace.position');
  expect((await site.do('unregister', 'eu', '--yes')).document).toMatchObject({ database: true });
  expect(await query(eu(site), 'SELECT * FROM millrace.subscribed_table')).toEqual([]);
});

test('a host that has the subscriber alone forgets its part', async () => {
  const site = await withTable();
  const { document } = await site.host({ provider: false, withUrl: ['eu'] }).do('unregister', 'eu', '--yes');
  expect(document).toMatchObject({ record: false, database: true });
  expect(await positions(eu(site))).toEqual([]);
  expect(await consumers(site)).toEqual(['millrace.eu', 'millrace.us']);
  expect(await keys(site)).toContain('start/eu');
});

test('a database that follows the queue under another name is left alone', async () => {
  const site = await withTable();
  await query(eu(site), "UPDATE millrace.position SET subscriber = 'other'");
  expect((await site.run('unregister', 'eu', '--yes')).error).toMatchObject({ code: 'position' });
  expect(await positions(eu(site))).toHaveLength(1);
});

test('status tells of a position that the queue does not keep, and of a subscriber that only the provider knows', async () => {
  const site = await withTable();
  const [stands] = await positions(eu(site));
  const gone = Number(stands?.['tick']);
  // As after an earlier registration whose ticks were rotated away.
  await query(
    site.provider,
    `UPDATE millrace.subscriber SET tick = tick + 1 WHERE name = 'eu';
     DELETE FROM pgq.subscription; DELETE FROM pgq.tick WHERE tick_id <= ${gone}`,
  );
  const near = await site.run('status');
  expect(near.document).toMatchObject({
    ok: false,
    subscribers: [
      {
        name: 'eu',
        state: 'stopped',
        error: { code: 'position', message: expect.stringMatching(/unregister eu --yes.*install.*add/) },
      },
      {},
    ],
  });
  const away = await site.host({ provider: true, withUrl: ['us'] }).run('status');
  expect(away.document).toMatchObject({
    ok: false,
    subscribers: [
      {
        name: 'eu',
        configured: false,
        explain: expect.stringMatching(/not in the configuration.*unregister eu --yes/),
      },
      { name: 'us', configured: true },
    ],
  });
});

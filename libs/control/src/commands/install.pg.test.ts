import { readFileSync, writeFileSync } from 'node:fs';
import { query, startOwnPostgres } from '@millrace/testkit';
import { expect, test } from 'vitest';
import { makeSite } from '../../test/command-site.ts';

const everything = `SELECT n.nspname AS schema, c.relname AS name, c.relkind AS kind FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname IN ('pgq', 'millrace') ORDER BY 1, 2`;

test('twenty at once install the same as one, and repeating changes nothing', async () => {
  const site = await makeSite();
  const outcomes = await Promise.all(Array.from({ length: 20 }, () => site.run('install')));
  expect(outcomes.filter(({ error }) => error !== undefined)).toEqual([]);
  const before = await query(site.provider, everything);
  const position = await query(site.subscribers['eu'] ?? '', 'SELECT * FROM millrace.position');
  expect(position).toHaveLength(1);
  await site.do('install');
  expect(await query(site.provider, everything)).toEqual(before);
  expect(await query(site.subscribers['eu'] ?? '', 'SELECT * FROM millrace.position')).toEqual(position);
  expect(await query(site.provider, 'SELECT name FROM millrace.subscriber ORDER BY 1')).toEqual([
    { name: 'eu' },
    { name: 'us' },
  ]);
});

test('one subscriber that cannot be reached does not keep the others from being installed', async () => {
  const site = await makeSite();
  const { error, notes } = await site.host({ provider: true, withUrl: ['us'] }).run('install');
  expect(error).toBeUndefined();
  expect(notes.join('\n')).toMatch(/subscriber us: schema installed, at tick/);
  const broken = { ...site.subscribers, eu: 'postgresql://nobody@127.0.0.1:1/none' };
  Object.assign(site.subscribers, broken);
  const half = await site.host({ provider: true, withUrl: ['eu', 'us'] }).run('install');
  expect(half.error).toMatchObject({ code: 'database-unreachable', message: expect.stringMatching(/subscriber eu/) });
  expect(half.error?.message.match(/subscriber eu/g)).toHaveLength(1);
  expect(half.notes.join('\n')).toMatch(/subscriber us: schema installed/);
});

test.each([
  ['provider', 'us', /eu has the database of the provider/],
  ['us', 'eu', /us has the database of subscriber eu/],
])('a subscriber with the database of another side (%s) is refused and not registered', async (whose, left, reason) => {
  const site = await makeSite();
  Object.assign(site.subscribers, { eu: whose === 'provider' ? site.provider : site.subscribers[whose] });
  const { error } = await site.host({ provider: true, withUrl: ['eu', 'us'] }).run('install');
  expect(error).toMatchObject({ code: 'config', message: expect.stringMatching(reason) });
  expect(await query(site.provider, 'SELECT name FROM millrace.subscriber')).toEqual([{ name: left }]);
});

test('commands before install say what to do', async () => {
  const site = await makeSite();
  for (const words of [['tables'], ['add', 'x'], ['wait', '--timeout', '1s'], ['pause', 'eu']]) {
    const { error } = await site.run(...(words as [string]));
    expect(error).toMatchObject({ code: 'not-installed', message: expect.stringMatching(/millrace install/) });
  }
  const { code, document } = await site.run('status');
  expect(code).toBe(1);
  expect(document).toMatchObject({ provider: { tick: null, error: { code: 'not-installed' } } });
});

test('uninstall names the subscribers that it leaves as they are, and what stays on a bus that does not answer', async () => {
  const own = await startOwnPostgres({ major: 15 });
  const site = await makeSite({ provider: own.url });
  await site.do('install');
  const near = site.host({ provider: true, withUrl: ['eu'], bus: 'nats://127.0.0.1:1' });
  const { error, notes } = await near.run('uninstall', '--yes');
  expect(error).toMatchObject({
    code: 'bus-unavailable',
    message: expect.stringMatching(new RegExp(`left there: the streams .*${site.queue}`)),
  });
  // It is not in this configuration; the provider knew it.
  expect(notes).toContainEqual(expect.stringMatching(/^subscriber us: left unchanged, .*`millrace uninstall --yes`/));
  expect(await query(site.subscribers['eu'] ?? '', everything)).toEqual([]);
  expect(await query(site.subscribers['us'] ?? '', everything)).not.toEqual([]);
  const last = await site.do('uninstall', '--yes');
  expect(last.document).toMatchObject({ left: [] });
});

test('a provider that refuses to be uninstalled keeps its subscribers as they are', async () => {
  const site = await makeSite({ names: ['eu'] });
  await site.do('install');
  const role = `uninstaller_${process.pid}`;
  await query(site.provider, `CREATE ROLE ${role} LOGIN PASSWORD 'secret'`);
  const provider = new URL(site.provider);
  [provider.username, provider.password] = [role, 'secret'];
  const text = readFileSync(site.config.file, 'utf8');
  writeFileSync(site.config.file, text.replace(site.provider, provider.href));
  const { error } = await site.run('uninstall', '--yes');
  expect(error).toMatchObject({ code: 'permission', message: expect.stringMatching(/nothing was removed/) });
  expect(await query(site.subscribers['eu'] ?? '', 'SELECT * FROM millrace.position')).toHaveLength(1);
});

test('uninstall needs --yes, leaves the rows, and can be repeated', async () => {
  // Roles belong to the whole server, so the provider is one of this test alone.
  const own = await startOwnPostgres({ major: 15 });
  const site = await makeSite({ names: ['eu'], provider: own.url });
  await site.do('install');
  await site.everywhere('CREATE TABLE entry (id int PRIMARY KEY); INSERT INTO entry VALUES (1)');
  await site.do('add', 'entry', '--no-copy');
  expect(await site.run('uninstall')).toMatchObject({ code: 1, error: { code: 'usage' } });
  await site.do('uninstall', '--yes');
  for (const url of [site.provider, ...Object.values(site.subscribers)]) {
    expect(await query(url, everything)).toEqual([]);
    expect(await query(url, 'SELECT id FROM entry')).toEqual([{ id: 1 }]);
    expect(await query(url, 'SELECT tgname FROM pg_trigger WHERE NOT tgisinternal')).toEqual([]);
  }
  expect(await query(own.url, "SELECT rolname FROM pg_roles WHERE rolname LIKE 'millrace%'")).toEqual([]);
  await site.do('uninstall', '--yes');
  await site.do('install');
});

test('uninstall does not take the queues of applications along unless told to', async () => {
  const own = await startOwnPostgres({ major: 15 });
  const site = await makeSite({ names: ['eu'], provider: own.url });
  await site.do('install');
  await site.do('queue create', 'jobs');
  await site.everywhere('CREATE TABLE entry (id int PRIMARY KEY)');
  await site.do('add', 'entry', '--no-copy');
  const { error } = await site.run('uninstall', '--yes');
  expect(error).toMatchObject({ code: 'database-refused', message: expect.stringMatching(/: jobs; .*--queues/) });
  await query(site.provider, "INSERT INTO entry VALUES (1); SELECT pgq.insert_event('jobs', 'a', 'b')");
  expect((await site.do('tables')).document).toMatchObject({ tables: [{ name: 'public.entry' }] });
  await site.do('uninstall', '--yes', '--queues');
  expect(await query(site.provider, everything)).toEqual([]);
});

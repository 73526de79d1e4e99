// Commands on a set that is there, the services not running.
import { eventually, query } from '@millrace/testkit';
import { expect, test } from 'vitest';
import { type CommandSite, makeSite } from '../../test/command-site.ts';

async function withTables(): Promise<CommandSite> {
  const site = await makeSite();
  await site.do('install');
  await site.everywhere(
    'CREATE TABLE entry (id serial PRIMARY KEY, item text); CREATE TABLE other (id int PRIMARY KEY)',
  );
  await site.do('add', 'entry', 'other');
  return site;
}

const triggers = (site: CommandSite) =>
  query(
    site.provider,
    "SELECT DISTINCT tgrelid::regclass::text AS name FROM pg_trigger WHERE tgname LIKE 'capture%' ORDER BY 1",
  );
const copies = (site: CommandSite) =>
  query(site.provider, 'SELECT table_name, subscribers, state FROM millrace.copy_request ORDER BY copy_id');

test('a table is captured as long as one subscriber follows it', async () => {
  const site = await withTables();
  const first = await site.do('remove', 'entry', '--subscriber', 'eu');
  expect(first.notes).toContain('public.entry stays in the set for us');
  expect(await triggers(site)).toEqual([{ name: 'entry' }, { name: 'other' }]);
  expect(await copies(site)).toContainEqual({ table_name: 'entry', subscribers: ['us'], state: 'wanted' });
  await site.do('remove', 'entry');
  expect(await triggers(site)).toEqual([{ name: 'other' }]);
  expect(await copies(site)).toContainEqual({ table_name: 'entry', subscribers: [], state: 'cancelled' });
  expect((await site.do('remove', 'entry')).document).toMatchObject({ removed: [] });
  expect((await site.do('tables')).document).toMatchObject({
    tables: [{ name: 'public.other', subscribers: { eu: 'registered', us: 'registered' } }],
  });
});

test('wait notices what went by unseen, though no ticker has looked', async () => {
  const site = await makeSite();
  await site.do('install');
  await site.everywhere(
    'CREATE TABLE whole (id int PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE rest PARTITION OF whole DEFAULT; CREATE TABLE part (id int PRIMARY KEY)',
  );
  await site.do('add', 'whole', '--no-copy');
  await query(
    site.provider,
    'INSERT INTO part VALUES (1); ALTER TABLE whole ATTACH PARTITION part FOR VALUES FROM (1) TO (9)',
  );
  await site.run('wait', '--timeout', '0s');
  expect(await query(site.provider, 'SELECT problem FROM millrace.set_table')).toEqual([
    { problem: expect.stringContaining('partition public.part came with rows that made no event') },
  ]);
});

test('removing what does not exist, or from a subscriber nobody knows, is refused', async () => {
  const site = await withTables();
  expect(await site.run('remove', 'entyr')).toMatchObject({
    error: { code: 'not-found', message: expect.stringContaining('public.entyr') },
  });
  expect(await site.run('remove', 'entry', '--subscriber', 'asia')).toMatchObject({ error: { code: 'usage' } });
  expect(await triggers(site)).toHaveLength(2);
});

test('a table removed and added again waits for a new copy', async () => {
  const site = await withTables();
  const removed = await site.do('remove', 'entry', 'public.entry');
  expect(removed.document).toMatchObject({ removed: ['public.entry'] });
  await site.do('add', 'entry');
  const eu = site.subscribers['eu'] ?? '';
  expect(await query(eu, "SELECT state, copy_id FROM millrace.subscribed_table WHERE table_name = 'entry'")).toEqual([
    { state: 'registered', copy_id: expect.stringMatching(/^\d{10,}$/) },
  ]);
});

test('sequences are followed, listed and left; what is none is refused by name', async () => {
  const site = await withTables();
  await site.do('add-seq', 'entry_id_seq', '--subscriber', 'eu');
  expect((await site.do('seqs')).document).toMatchObject({
    sequences: [{ name: 'public.entry_id_seq', subscribers: { eu: 'ok', us: null } }],
  });
  await site.do('add-seq', 'entry_id_seq');
  expect(await query(site.provider, 'SELECT last_value FROM millrace.set_sequence')).toEqual([{ last_value: null }]);
  expect(await site.run('add-seq', 'nosuch')).toMatchObject({
    error: { code: 'not-found', message: expect.stringContaining('public.nosuch') },
  });
  expect(await site.run('add-seq', 'entry')).toMatchObject({
    error: { code: 'not-replicable', message: expect.stringContaining('public.entry') },
  });
  await query(site.provider, 'CREATE SEQUENCE here_only');
  expect(await site.run('add-seq', 'here_only')).toMatchObject({
    error: { message: expect.stringMatching(/subscriber eu: there is no sequence/) },
  });
  await site.do('remove-seq', 'entry_id_seq', '--subscriber', 'us');
  expect((await site.do('seqs')).document).toMatchObject({ sequences: [{ subscribers: { eu: 'ok', us: null } }] });
  await site.do('remove-seq', 'entry_id_seq');
  await site.do('remove-seq', 'entry_id_seq');
  expect((await site.do('seqs')).document).toMatchObject({ sequences: [] });
});

test('a pause is a wish in the database of the subscriber, noted there, and repeatable', async () => {
  const site = await withTables();
  const eu = site.subscribers['eu'] ?? '';
  for (const [command, paused] of [
    ['pause', true],
    ['pause', true],
    ['resume', false],
  ] as const) {
    await site.do(command, 'eu');
    expect(await query(eu, 'SELECT paused FROM millrace.control')).toEqual([{ paused }]);
  }
  const audit = "SELECT what FROM millrace.audit WHERE what IN ('pause', 'resume') ORDER BY id";
  expect(await query(eu, audit)).toEqual([{ what: 'pause' }, { what: 'resume' }]);
});

test('wait ends at its timeout, naming who is behind and why', async () => {
  const site = await withTables();
  await site.do('pause', 'us');
  const { error } = await site.run('wait', '--timeout', '300ms');
  expect(error?.code).toBe('timeout');
  expect(error?.message).toMatch(/eu is behind: at tick \d+ of \d+, public\.entry is registered/);
  expect(error?.message).toMatch(/us is behind: .*it is paused/);
  const one = await site.run('wait', '--timeout', '100ms', '--subscriber', 'eu');
  expect(one.error?.message).not.toMatch(/us is behind/);
});

test('wait tells which service does not run', async () => {
  const site = await withTables();
  const { error } = await site.run('wait', '--timeout', '100ms');
  expect(error?.message).toMatch(/capture has never reported; start it with/);
});

test('wait succeeds when a subscriber stands at the tick made for it and every table is ok', async () => {
  const site = await withTables();
  const eu = site.subscribers['eu'] ?? '';
  await query(eu, "UPDATE millrace.subscribed_table SET state = 'ok'");
  // A number that the provider has not reached: a provider set back by a backup, or an edited row.
  await query(eu, 'UPDATE millrace.position SET tick = 1000000');
  const ahead = await site.run('wait', '--timeout', '300ms', '--subscriber', 'eu');
  expect(ahead.error?.message).toMatch(
    /eu is behind: tick 1000000, where it stands, is not one that this provider made/,
  );
  const waiting = site.do('wait', '--timeout', '20s', '--subscriber', 'eu');
  const follow = async () => {
    const [last] = await query(site.provider, `SELECT tick, fingerprint FROM millrace.last_tick('${site.queue}')`);
    await query(eu, `UPDATE millrace.position SET tick = ${last?.['tick']}, fingerprint = '${last?.['fingerprint']}'`);
    return Promise.race([waiting.then(() => true), new Promise<null>((resolve) => setTimeout(resolve, 100, null))]);
  };
  await eventually(follow, { timeoutMs: 20_000, what: 'wait to end' });
  expect((await waiting).document).toMatchObject({ subscribers: ['eu'] });
});

test('wait does not end well while changes of a table are known to be missing', async () => {
  const site = await withTables();
  const eu = site.subscribers['eu'] ?? '';
  await query(eu, "UPDATE millrace.subscribed_table SET state = 'ok'; UPDATE millrace.position SET tick = 1000000");
  await query(site.provider, "UPDATE millrace.set_table SET problem = 'rows came unseen' WHERE table_name = 'other'");
  const waiting = site.run('wait', '--timeout', '4s', '--subscriber', 'eu');
  await eventually(async () => {
    const [last] = await query(site.provider, `SELECT tick, fingerprint FROM millrace.last_tick('${site.queue}')`);
    await query(eu, `UPDATE millrace.position SET tick = ${last?.['tick']}, fingerprint = '${last?.['fingerprint']}'`);
    return Promise.race([waiting.then(() => true), new Promise<null>((resolve) => setTimeout(resolve, 100, null))]);
  });
  expect((await waiting).error).toMatchObject({
    code: 'timeout',
    message: expect.stringMatching(/eu is behind: public\.other: rows came unseen/),
  });
});

test('status tells of services that never started, and its exit code says so', async () => {
  const site = await withTables();
  const { code, document } = await site.run('status');
  expect(code).toBe(1);
  expect(document).toMatchObject({
    queue: site.queue,
    provider: {
      services: [
        { name: 'ticker', state: 'stopped' },
        { name: 'capture', state: 'stopped' },
      ],
    },
    subscribers: [
      { name: 'eu', state: 'stopped', tables: [{ name: 'public.entry', state: 'registered', copied_rows: 0 }, {}] },
      { name: 'us', state: 'stopped' },
    ],
  });
});

// Who gave which command: lines at the provider, also when something goes wrong.
import { query } from '@millrace/testkit';
import { expect, test } from 'vitest';
import { type CommandSite, makeSite } from '../../test/command-site.ts';

interface Shown {
  readonly entries: readonly Record<string, unknown>[];
}

async function lines(site: CommandSite, ...words: string[]): Promise<readonly Record<string, unknown>[]> {
  return ((await site.do('audit', ...words)).document as Shown).entries;
}

test('every command that changes something leaves a line: who, what, when, and what it came to', async () => {
  const site = await makeSite();
  await site.do('install');
  await site.everywhere('CREATE TABLE entry (id serial PRIMARY KEY, item text)');
  await site.do('add', 'entry', '--subscriber', 'eu');
  await site.do('add-seq', 'entry_id_seq');
  await site.do('pause', 'eu');
  await site.do('pause', 'eu');
  await site.do('resume', 'eu');
  await site.run('remove', 'nosuch');
  // Wrong usage asks nobody, and is no news.
  for (const wrong of [
    ['pause', 'nobody'],
    ['add'],
    ['add', 'a.b.c'],
    ['resync', '--yes'],
    ['remove', 'a.b.c'],
    ['add-seq', '.'],
  ]) {
    const [name = '', ...words] = wrong;
    expect(await site.run(name, ...words)).toMatchObject({ error: { code: 'usage' } });
  }
  await site.do('remove-seq', 'entry_id_seq');
  await site.do('remove', 'entry');
  await site.do('unregister', 'us', '--yes');
  for (const reading of ['tables', 'seqs', 'status']) await site.run(reading);

  const found = await lines(site);
  expect(found.map((line) => [line['what'], line['arguments'], line['outcome'], line['error']])).toEqual([
    ['unregister', 'us', 'done', null],
    ['remove', 'entry', 'done', null],
    ['remove-seq', 'entry_id_seq', 'done', null],
    ['remove', 'nosuch', 'failed', 'not-found'],
    ['resume', 'eu', 'done', null],
    ['pause', 'eu', 'done', null],
    ['pause', 'eu', 'done', null],
    ['add-seq', 'entry_id_seq', 'done', null],
    ['add', 'entry --subscriber eu', 'done', null],
    ['install', '', 'done', null],
  ]);
  for (const { actor, role, at, ended_at: end } of found) {
    expect({ actor, role }).toEqual({ actor: 'tester@here', role: new URL(site.provider).username });
    expect(Date.parse(String(end))).toBeGreaterThanOrEqual(Date.parse(String(at)));
  }
  expect(await lines(site, '--limit', '2')).toHaveLength(2);
  expect((await lines(site, '--all')).map(({ what }) => what)).toContain('register subscriber');
  expect((await site.run('audit', '--limit', '0')).error?.code).toBe('usage');
});

test('a command whose line cannot be written does its work all the same, and says so', async () => {
  const site = await makeSite();
  await site.do('install');
  await site.everywhere('CREATE TABLE entry (id int PRIMARY KEY)');
  await query(site.provider, 'ALTER TABLE millrace.audit ADD CONSTRAINT full_up CHECK (actor IS NULL) NOT VALID');
  const { code, notes, document } = await site.run('add', 'entry');
  expect(code).toBe(0);
  expect(document).toMatchObject({ added: ['public.entry'] });
  expect(notes.filter((note) => note.includes('could not be noted'))).toHaveLength(1);
});

test('the provider away keeps nobody from pausing a subscriber', async () => {
  const site = await makeSite();
  await site.do('install');
  const away = site.host({ provider: false, withUrl: ['eu'] });
  expect((await away.do('pause', 'eu')).document).toMatchObject({ paused: true });
});

test('the audit does not grow for ever', async () => {
  const site = await makeSite();
  await site.do('install');
  await query(site.provider, "INSERT INTO millrace.audit (what) SELECT 'old' FROM generate_series(1, 10100)");
  await site.do('resume', 'eu');
  const [row] = await query(site.provider, 'SELECT count(*)::int AS n FROM millrace.audit');
  expect(row?.['n']).toBe(10_000);
  expect(await lines(site)).toMatchObject([{ what: 'resume', outcome: 'done' }]);
});

test('an uninstallation takes the audit with it and complains of nothing', async () => {
  const site = await makeSite();
  await site.do('install');
  const { code, notes } = await site.run('uninstall', '--yes');
  expect(code).toBe(0);
  expect(notes.join('\n')).not.toMatch(/audit/);
});

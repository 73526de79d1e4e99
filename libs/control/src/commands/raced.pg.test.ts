// The same command given by several people at once: the first does it, the others find nothing to do.
import { query } from '@millrace/testkit';
import { expect, test } from 'vitest';
import { type CommandSite, makeSite, type Outcome } from '../../test/command-site.ts';

const people = 3;

async function together(site: CommandSite, name: string, ...words: string[]): Promise<readonly Outcome[]> {
  const all = await Promise.all(Array.from({ length: people }, () => site.run(name, ...words)));
  for (const { code, error } of all) expect({ code, error }).toEqual({ code: 0, error: undefined });
  return all;
}

/** How often each answer has that list in its document not empty. */
const workers = (all: readonly Outcome[], list: string): number =>
  all.filter(({ document }) => ((document as Record<string, unknown[]>)[list] ?? []).length > 0).length;

const count = async (url: string, what: string): Promise<number> =>
  Number((await query(url, `SELECT count(*)::int AS n FROM ${what}`))[0]?.['n']);

test('tables and sequences added, removed, and a subscriber paused, by several people at once', async () => {
  const site = await makeSite();
  const eu = site.subscribers['eu'] ?? '';
  await together(site, 'install');
  await query(site.provider, 'CREATE TABLE entry (id serial PRIMARY KEY, item text)');

  for (const url of Object.values(site.subscribers)) await query(url, 'CREATE SEQUENCE entry_id_seq');
  // Also the making of the table at the subscribers is raced.
  expect(workers(await together(site, 'add', 'entry', '--create'), 'added')).toBe(1);
  expect(await count(site.provider, "millrace.copy_request WHERE state = 'wanted'")).toBe(1);
  expect(await count(eu, 'millrace.subscribed_table')).toBe(1);

  expect(workers(await together(site, 'add-seq', 'entry_id_seq'), 'added')).toBe(1);
  expect(await count(site.provider, 'millrace.set_sequence')).toBe(1);
  expect(workers(await together(site, 'remove-seq', 'entry_id_seq'), 'removed')).toBe(1);
  expect(await count(site.provider, 'millrace.set_sequence')).toBe(0);

  for (const [name, paused] of [
    ['pause', true],
    ['resume', false],
  ] as const) {
    await together(site, name, 'eu');
    expect(await query(eu, 'SELECT paused FROM millrace.control')).toEqual([{ paused }]);
  }

  expect(workers(await together(site, 'remove', 'entry'), 'removed')).toBe(1);
  expect(await count(site.provider, 'millrace.set_table')).toBe(0);
  expect(await count(site.provider, "pg_trigger WHERE tgrelid = 'entry'::regclass AND NOT tgisinternal")).toBe(0);

  await together(site, 'unregister', 'eu', '--yes');
  expect(await count(site.provider, "millrace.subscriber WHERE name = 'eu'")).toBe(0);
  expect(await count(site.provider, 'millrace.audit WHERE actor IS NOT NULL AND outcome IS NULL')).toBe(0);
});

test('one adds a table while another removes it: it is followed everywhere, or nowhere', async () => {
  const site = await makeSite();
  await site.do('install');
  await site.everywhere('CREATE TABLE entry (id int PRIMARY KEY)');
  for (let round = 0; round < 5; round += 1) {
    const [added, removed] = await Promise.all([site.run('add', 'entry'), site.run('remove', 'entry')]);
    expect([added.code, removed.code]).toEqual([0, 0]);
    const set = await count(site.provider, 'millrace.set_table');
    for (const url of Object.values(site.subscribers)) expect(await count(url, 'millrace.subscribed_table')).toBe(set);
    const open = await count(site.provider, "millrace.copy_request WHERE state = 'wanted'");
    expect(open).toBe(set);
  }
});

// The doctor where nobody called it: in `add`, at the start of `up`, in `status` and in the admin service.
import { readFileSync } from 'node:fs';
import { loadConfig, parseConfig, runFile } from '@millrace/config';
import { type CommandSite, makeSite } from '@millrace/control/testing';
import { refuseFatal, reportFindings } from '@millrace/host';
import { eventually, query } from '@millrace/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { Admin } from '../admin.ts';

const ENTRY = 'CREATE TABLE entry (id int PRIMARY KEY, item text)';

async function following(): Promise<{ site: CommandSite; eu: string }> {
  const site = await makeSite({ names: ['eu'] });
  await site.do('install');
  await site.everywhere(ENTRY);
  await site.do('add', 'entry');
  return { site, eu: site.subscribers['eu'] ?? '' };
}

test('status and admin show a trigger switched off and a table altered, and nothing once that is put right', async () => {
  const { site, eu } = await following();
  expect((await site.run('status')).document).toMatchObject({ warnings: [] });
  await query(site.provider, 'ALTER TABLE entry DISABLE TRIGGER USER; ALTER TABLE entry ADD price numeric');
  expect((await site.run('status')).document).toMatchObject({
    warnings: [
      { check: 'capture-triggers', level: 'error', side: 'provider', object: 'public.entry' },
      { check: 'columns', level: 'error', side: 'subscriber eu', object: 'public.entry' },
    ],
  });
  expect((await site.run('status')).text).toMatch(
    /^error: subscriber eu: public\.entry has no column "price"; fix: ALTER TABLE public\.entry ADD COLUMN "price" numeric$/m,
  );
  const admin = new Admin({ config: loadConfig({ flag: site.config.file }), http: { host: '127.0.0.1', port: 0 } });
  await admin.start();
  onTestFinished(() => admin.stop());
  const { url } = JSON.parse(readFileSync(runFile(site.config, 'admin'), 'utf8')) as { url: string };
  const metrics = async () => (await fetch(`${url}/metrics`)).text();
  await eventually(async () =>
    /millrace_admin_findings\{[^}]*check="columns"[^}]*level="error"[^}]*\} 1/.test(await metrics()),
  );
  await query(eu, 'ALTER TABLE entry ADD price numeric');
  await site.do('add', 'entry');
  expect((await site.run('status')).document).toMatchObject({ warnings: [] });
});

test('add tells what may go wrong at a subscriber, refuses what must, and changes nothing then', async () => {
  const site = await makeSite({ names: ['eu'] });
  await site.do('install');
  await site.everywhere(`${ENTRY}; CREATE TABLE other (id int PRIMARY KEY)`);
  const eu = site.subscribers['eu'] ?? '';
  await query(
    eu,
    'CREATE RULE quiet AS ON INSERT TO entry DO ALSO NOTHING; ALTER TABLE entry ENABLE ALWAYS RULE quiet',
  );
  const refused = await site.run('add', 'entry', 'other');
  expect(refused.error).toMatchObject({
    code: 'subscriber-schema',
    message: expect.stringMatching(
      /eu: rule quiet on public\.entry is ENABLE ALWAYS: .*; fix: ALTER TABLE public\.entry ENABLE RULE quiet/,
    ),
  });
  expect(await query(site.provider, 'SELECT FROM millrace.set_table')).toEqual([]);
  expect(await query(eu, 'SELECT FROM millrace.subscribed_table')).toEqual([]);
  await query(eu, 'ALTER TABLE entry ENABLE RULE quiet; ALTER TABLE entry ADD UNIQUE (item)');
  const { notes } = await site.do('add', 'entry');
  expect(notes).toContain(
    'warning: eu: public.entry is unique in (item) there and not at the provider: a row may be refused; fix: ALTER TABLE public.entry DROP CONSTRAINT entry_item_key',
  );
});

test('up tells what it finds, and does not start where nothing can come of it', async () => {
  const { site, eu } = await following();
  await refuseFatal(site.config);
  await query(eu, 'ALTER TABLE entry DROP item');
  const lines: string[] = [];
  await reportFindings(site.config, (line) => lines.push(line));
  // The servers of a test run do not wait for the disk, and the doctor says so.
  expect(lines.filter((line) => !/: (fsync|full_page_writes) is off:/.test(line))).toEqual([
    expect.stringMatching(/^doctor: error: subscriber eu: public\.entry has no column "item"; fix: /),
  ]);
  const twice = `queue: q\nprovider: { url: "${site.provider}" }\nsubscribers: { eu: { url: "${site.provider}" } }`;
  await expect(refuseFatal(parseConfig(twice, '/nowhere/millrace.yaml'))).rejects.toThrow(
    /subscriber eu is the database of provider/,
  );
});

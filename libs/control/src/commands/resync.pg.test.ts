// `resync` against real servers, the services not running: it only writes desired state.
import { connectBus, ensureBucket, putKey } from '@millrace/bus';
import { query, sharedNatsUrl } from '@millrace/testkit';
import { bucketName, type Report } from '@millrace/wire';
import { expect, test } from 'vitest';
import { makeSite } from '../../test/command-site.ts';

const copyRequests = (url: string) =>
  query<{ copy_id: string; subscribers: string[]; state: string }>(
    url,
    'SELECT copy_id, subscribers, state FROM millrace.copy_request ORDER BY copy_id',
  );
const followed = (url: string) =>
  query<{ state: string; copy_id: string }>(url, 'SELECT state, copy_id FROM millrace.subscribed_table');
const isOk = (url: string) => query(url, `UPDATE millrace.subscribed_table SET state = 'ok'`);

/** What eu's replay would say: the table is ok, and came with this copy. */
async function report(queue: string, copy: number): Promise<void> {
  const bus = await connectBus(sharedNatsUrl(), { name: 'test' });
  const at = new Date().toISOString();
  const entry = { schema: 'public', name: 'entry', state: 'ok' as const, copied_rows: 0, copied_bytes: 0 };
  const value: Report = {
    v: 1,
    kind: 'report',
    subscriber: 'eu',
    queue,
    provider: '1',
    tick: 1,
    fingerprint: '0'.repeat(32),
    state: 'running',
    busy: false,
    error: null,
    gap: null,
    tables: [{ ...entry, copy: { id: copy, attempt: 1, chunk: 0 } }],
    applied_at: at,
    lag_ms: 0,
    at,
  };
  await ensureBucket(bus, { bucket: bucketName(queue) });
  await putKey(bus, { bucket: bucketName(queue) }, { key: 'eu', value: JSON.stringify(value) });
  await bus.close();
}

test('one copy is requested, for all that are named; a copy on its way is left alone; what was kept of an older one goes', async () => {
  const site = await makeSite();
  await site.do('install');
  await site.everywhere('CREATE TABLE entry (id int PRIMARY KEY)');
  await site.do('add', 'entry');
  const [eu = '', us = ''] = Object.values(site.subscribers);
  expect((await site.do('resync', 'entry', '--yes')).notes.join()).toMatch(/its copy for eu is on its way/);
  for (const url of [eu, us]) await isOk(url);
  await query(
    eu,
    `INSERT INTO millrace.pending (queue, schema_name, table_name, tick, form, columns, key, cont, lines, n)
     SELECT queue, schema_name, table_name, 1, 'insert', '{id}', '{id}', false, '', 0 FROM millrace.subscribed_table`,
  );
  expect((await site.do('resync', '--all', '--yes')).document).toMatchObject({ resynced: ['public.entry'] });
  const made = await copyRequests(site.provider);
  expect(made).toMatchObject([{ state: 'cancelled' }, { subscribers: ['eu', 'us'], state: 'wanted' }]);
  for (const url of [eu, us]) expect(await followed(url)).toEqual([{ state: 'registered', copy_id: made[1]?.copy_id }]);
  expect(await query(eu, 'SELECT 1 FROM millrace.pending')).toEqual([]);
});

test('a subscriber out of reach is reported on the bus, and waits for the new copy once it is typed there', async () => {
  const site = await makeSite();
  await site.everywhere('CREATE TABLE entry (id int PRIMARY KEY)');
  const near = site.host({ provider: true, withUrl: ['us'], without: ['eu'] });
  const far = site.host({ provider: false, withUrl: ['eu'] });
  await far.do('install');
  await near.do('install');
  await far.do('install');
  await near.do('add', 'entry');
  await far.do('add', 'entry');
  const eu = site.subscribers['eu'] ?? '';
  await isOk(eu);
  expect((await far.do('resync', 'entry', '--yes')).notes.join()).toMatch(/was not copied again since/);
  expect(await followed(eu)).toMatchObject([{ state: 'ok' }]);
  const first = (await copyRequests(site.provider)).at(-1)?.copy_id;
  await report(site.queue, Number(first));
  const { notes } = await near.do('resync', 'entry', '--subscriber', 'eu', '--yes');
  await query(
    site.provider,
    `UPDATE millrace.copy_request SET state = 'done' WHERE state = 'wanted' AND 'us' = ANY (subscribers)`,
  );
  const newest = (await copyRequests(site.provider)).at(-1)?.copy_id;
  expect(notes.join()).toMatch(/eu: now run `millrace resync public\.entry --yes`/);
  const told = await far.do('resync', 'entry', '--yes');
  expect(told.notes.join()).toContain(`waits for copy ${newest}`);
  expect(await followed(eu)).toEqual([{ state: 'registered', copy_id: newest }]);
});

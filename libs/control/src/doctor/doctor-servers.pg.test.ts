// Checks about roles, servers and the bus: on servers of this file's own, since roles and settings belong to a server.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connectBus, deleteStream, ensureStream } from '@millrace/bus';
import { type Config, parseConfig } from '@millrace/config';
import type { EmbeddedPostgres } from '@millrace/embedded';
import { connect, type Queryable, serverChecks } from '@millrace/postgres';
import { query, sharedNatsUrl, startOwnNats, startOwnPostgres, uniqueName, withClient } from '@millrace/testkit';
import { streamName } from '@millrace/wire';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeSite } from '../../test/command-site.ts';
import { examine } from './examine.ts';
import type { DoctorFinding } from './report.ts';

let server: EmbeddedPostgres;

beforeAll(async () => {
  server = await startOwnPostgres({ major: 18 });
  await query(server.url, 'CREATE DATABASE shop');
  await query(server.url, 'CREATE ROLE worker LOGIN');
});
afterAll(() => server.stop('immediate'));

async function wrong(config: Config, check: string): Promise<DoctorFinding[]> {
  return (await examine(config)).findings.filter((one) => one.check === check && one.level !== 'ok');
}

/** Carries out the fixes of all findings of a check, and sees that there are none any more. */
async function mend(config: Config, check: string, url: string): Promise<void> {
  for (const { fix } of await wrong(config, check)) {
    for (const statement of (fix ?? '').split('; ')) await query(url, statement);
  }
  expect(await wrong(config, check)).toEqual([]);
}

test('roles that are missing, without rights, or not ours are reported', async () => {
  const site = await makeSite({ names: ['eu'], provider: server.urlOf('shop') });
  await site.do('install');
  expect(await wrong(site.config, 'roles')).toEqual([]);
  await query(site.provider, 'DROP OWNED BY millrace_app; DROP ROLE millrace_app');
  expect(await wrong(site.config, 'roles')).toMatchObject([
    { object: 'millrace_app', fix: 'CREATE ROLE millrace_app NOLOGIN' },
  ]);
  await query(site.provider, 'CREATE ROLE millrace_app NOLOGIN');
  expect(await wrong(site.config, 'roles')).toMatchObject([{ object: 'millrace_app', fix: 'millrace install' }]);
  await site.do('install');
  expect(await wrong(site.config, 'roles')).toEqual([]);
  const url = new URL(site.provider);
  url.username = 'worker';
  await query(site.provider, 'GRANT millrace_capture, millrace_ticker, millrace_app TO worker');
  const asWorker = parseConfig(`queue: ${site.queue}\nprovider: { url: "${url.href}" }`, '/nowhere/millrace.yaml');
  expect(await wrong(asWorker, 'roles')).toMatchObject([
    { object: 'millrace_owner', fix: 'GRANT millrace_owner TO worker' },
  ]);
  await mend(asWorker, 'roles', site.provider);
  const unseen = (await examine(asWorker)).not_checked.map(({ check }) => check);
  expect(unseen).toContain('long-transactions');
});

test('a role that may not switch triggers off or make temporary tables is reported', async () => {
  await query(server.url, 'CREATE DATABASE there OWNER worker');
  const root = server.urlOf('there');
  await query(root, 'REVOKE TEMPORARY ON DATABASE there FROM PUBLIC, worker');
  const url = new URL(root);
  url.username = 'worker';
  const config = parseConfig(`queue: q\nsubscribers: { eu: { url: "${url.href}" } }`, '/nowhere/millrace.yaml');
  expect(await wrong(config, 'replica-role')).toMatchObject([{ level: 'warning', object: 'worker' }]);
  await mend(config, 'replica-role', root);
  expect(await wrong(config, 'database-rights')).toMatchObject([{ level: 'error', object: 'there' }]);
  await mend(config, 'database-rights', root);
});

test('settings under which tables grow are reported', async () => {
  const config = parseConfig(`queue: q\nprovider: { url: "${server.url}" }`, '/nowhere/millrace.yaml');
  const autovacuum = async () =>
    (await wrong(config, 'server-settings')).filter(({ object }) => object === 'autovacuum');
  expect(await autovacuum()).toEqual([]);
  await query(server.url, 'ALTER SYSTEM SET autovacuum = off');
  await query(server.url, 'SELECT pg_reload_conf()');
  await expect.poll(autovacuum).toMatchObject([{ fix: 'ALTER SYSTEM SET autovacuum = on; SELECT pg_reload_conf()' }]);
  for (const statement of (await autovacuum())[0]?.fix?.split('; ') ?? []) await query(server.url, statement);
  await expect.poll(autovacuum).toEqual([]);
});

test('a server whose connections are nearly all taken is reported, and is not once it takes more', async () => {
  const narrow = await startOwnPostgres({ major: 18, settings: { max_connections: '15' } });
  const config = parseConfig(`queue: q\nprovider: { url: "${narrow.url}" }`, '/nowhere/millrace.yaml');
  const crowd = () =>
    Promise.all(Array.from({ length: 13 }, () => connect(narrow.url, { applicationName: 'one of many' })));
  expect(await wrong(config, 'connections')).toEqual([]);
  const before = await crowd();
  const [found] = await wrong(config, 'connections');
  expect(found).toMatchObject({ object: 'max_connections', message: expect.stringMatching(/^14 of 15 connections/) });
  await query(narrow.url, found?.fix ?? '');
  await narrow.stop('immediate');
  await Promise.all(before.map((client) => client.end().catch(() => {})));
  await narrow.start();
  const after = await crowd();
  expect(await wrong(config, 'connections')).toEqual([]);
  await Promise.all(after.map((client) => client.end()));
});

test('an event queue that has become a large part of its database is reported, with who is furthest behind', async () => {
  const site = await makeSite({ names: ['eu'], provider: server.urlOf('grown') });
  await query(server.url, 'CREATE DATABASE grown');
  await site.do('install');
  await query(site.provider, 'CREATE TABLE large (id int PRIMARY KEY, v text)');
  await site.do('add', 'large', '--create');
  const size = async () =>
    (await examine(site.config, { bounds: { largeQueue: 1 } })).findings.filter(
      ({ check, level }) => check === 'queue-size' && level !== 'ok',
    );
  expect(await size()).toEqual([]);
  await query(
    site.provider,
    `INSERT INTO large SELECT i, (SELECT string_agg(md5(i::text || j), '') FROM generate_series(1, 60) j) FROM generate_series(1, 6000) i`,
  );
  expect(await size()).toMatchObject([
    {
      level: 'warning',
      object: site.queue,
      message: expect.stringMatching(/event tables hold .* MB of the .* MB of this database; subscriber eu is/),
      fix: 'millrace unregister eu --yes',
    },
  ]);
  await site.do('unregister', 'eu', '--yes');
  await query(site.provider, `UPDATE pgq.queue SET queue_rotation_period = '0'`);
  // What the ticker does as time goes by.
  for (let pass = 0; pass < 3; pass += 1) {
    await query(site.provider, 'SELECT millrace.force_tick($1)', [site.queue]);
    await query(site.provider, 'SELECT pgq.maint_rotate_tables_step1($1)', [site.queue]);
    await query(site.provider, 'SELECT pgq.maint_rotate_tables_step2()');
  }
  expect(await size()).toEqual([]);
});

test.each([
  ['130014', 'error', /older than 14/],
  ['190001', 'warning', /newer than 18/],
])('a server of version %s is reported: %s', async (version, level, says) => {
  // No such server runs here: the statement is given what one would say of itself.
  await withClient(server.url, async (client) => {
    await client.query(
      `CREATE FUNCTION pg_temp.current_setting(text) RETURNS text LANGUAGE sql AS $$ SELECT '${version}' $$`,
    );
    const query = (sql: string, values: unknown[]) =>
      client.query(sql.replaceAll('current_setting(', 'pg_temp.current_setting('), values);
    const rows = await serverChecks.version({ query } as unknown as Queryable);
    expect(rows).toMatchObject([{ level, message: expect.stringMatching(says) }]);
    expect(await serverChecks.version(client)).toEqual([]);
  });
});

test('a bus with small messages, an altered stream, and one that does not answer are reported', async () => {
  const small = await startOwnNats({ maxPayload: 64 * 1024 });
  const queue = uniqueName('q');
  const at = (url: string) => parseConfig(`queue: ${queue}\nbus: { url: "${url}" }`, '/nowhere/millrace.yaml');
  expect(await wrong(at(small.url), 'bus-payload')).toMatchObject([{ level: 'warning', object: 'max_payload' }]);
  expect(await wrong(at(sharedNatsUrl()), 'bus-payload')).toEqual([]);
  const bus = await connectBus(small.url, { name: 'test' });
  try {
    const subjects = [`millrace.${queue}.batch`];
    await bus.streams.streams.add({
      name: streamName(queue),
      subjects,
      retention: 'workqueue',
      max_age: 1e9,
    });
    expect(await wrong(at(small.url), 'bus-streams')).toMatchObject([
      {
        level: 'error',
        message: expect.stringMatching(/retention, max_age/),
        fix: `nats stream rm --force ${streamName(queue)}`,
      },
    ]);
    await deleteStream(bus, streamName(queue));
    await ensureStream(bus, { name: streamName(queue), subjects, maxBytes: 64 * 1024 * 1024 });
    expect(await wrong(at(small.url), 'bus-streams')).toEqual([]);
    await bus.streams.streams.update(streamName(queue), { max_msgs: 1000 });
    expect(await wrong(at(small.url), 'bus-streams')).toMatchObject([
      { level: 'warning', fix: 'millrace run capture' },
    ]);
    // What a running capture does again and again.
    await ensureStream(bus, { name: streamName(queue), subjects, maxBytes: 64 * 1024 * 1024 });
    expect(await wrong(at(small.url), 'bus-streams')).toEqual([]);
  } finally {
    await bus.close();
  }
  expect(await wrong(at('nats://127.0.0.1:1'), 'reachable')).toMatchObject([{ side: 'bus', level: 'error' }]);
});

test('a standby is no place to write to, until it is promoted', async () => {
  const standby = await startOwnPostgres({ major: 18 });
  const config = parseConfig(`queue: q\nprovider: { url: "${standby.url}" }`, '/nowhere/millrace.yaml');
  expect(await wrong(config, 'server-writable')).toEqual([]);
  await standby.stop();
  writeFileSync(join(standby.dataDir, 'standby.signal'), '');
  await standby.start();
  expect(await wrong(config, 'server-writable')).toMatchObject([{ level: 'error', fix: 'SELECT pg_promote()' }]);
  await mend(config, 'server-writable', standby.url);
});

test('a host says what it cannot look at', async () => {
  const site = await makeSite({ names: ['eu', 'us'] });
  await site.do('install');
  await site.everywhere('CREATE TABLE entry (id int PRIMARY KEY, item text)');
  const near = site.host({ provider: true, withUrl: ['us'], without: ['eu'] });
  await near.do('add', 'entry');
  const here = await near.run('doctor');
  expect(here.document).toMatchObject({
    not_checked: expect.arrayContaining([
      { side: 'subscriber eu', check: null, reason: expect.stringMatching(/no url here/) },
    ]),
  });
  const far = site.host({ provider: false, withUrl: ['eu'] });
  await far.do('add', 'entry');
  await query(site.subscribers['eu'] ?? '', 'ALTER TABLE entry DROP item');
  const there = await far.run('doctor');
  expect(there.code).toBe(1);
  expect(there.document).toMatchObject({
    not_checked: expect.arrayContaining([
      { side: 'provider', check: null, reason: expect.stringMatching(/names no provider/) },
    ]),
    // What `add` on the provider's side left on the bus is enough to compare.
    findings: expect.arrayContaining([
      expect.objectContaining({
        check: 'columns',
        object: 'public.entry',
        fix: 'ALTER TABLE public.entry ADD COLUMN "item" text',
      }),
    ]),
  });
});

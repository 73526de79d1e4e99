// Everything an operator does day by day, over HTTP alone, while services replicate; and the same on a terminal.

import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { waitFor } from '@millrace/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Ground } from '../harness/ground.ts';
import { expectEqual } from '../harness/scenario.ts';
import type { Site } from '../harness/site.ts';
import { projectRoot } from '../harness/standing.ts';

let ground: Ground;
let site: Site;
let url: string;
let token: string;

beforeAll(async () => {
  ground = await Ground.start({ name: 'http', servers: { a: { major: 15 }, b: { major: 18 } } });
  site = await ground.site({ name: 'http', provider: 'a', subscribers: { eu: 'b', us: 'b' } });
  await site.begin();
  site.service('admin').start();
  url = (await site.runs('admin')).url;
  token = readFileSync(join(site.dir, 'data', 'run', 'admin.token'), 'utf8').trim();
});

afterAll(async () => {
  await ground?.stop();
});

interface Reply {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: documents of many shapes
  readonly body: any;
}

async function ask(path: string, body?: object): Promise<Reply> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const post = { method: 'POST', headers, body: JSON.stringify(body) };
  const response = await fetch(`${url}/api/v1/${path}`, body === undefined ? { headers } : post);
  return { status: response.status, body: await response.json() };
}

async function done(verb: string, body: object): Promise<unknown> {
  const reply = await ask(verb, body);
  expect([verb, reply.status, reply.body]).toEqual([verb, 200, reply.body]);
  return reply.body;
}

const stateOf = async (name: string): Promise<string | undefined> =>
  (await ask('status')).body.subscribers.find((one: { name: string }) => one.name === name)?.state;

test('tables and sequences are added, followed, paused and removed, twice by two people at once', async () => {
  await site.everywhere('CREATE TABLE entry (id serial PRIMARY KEY, item text)');
  await site.provider.run("INSERT INTO entry (item) SELECT 'before' FROM generate_series(1, 100)");
  const twice = (verb: string, body: object) => Promise.all([done(verb, body), done(verb, body)]);
  await twice('add', { tables: ['entry'] });
  await twice('add-seq', { sequences: ['entry_id_seq'] });
  await done('wait', { timeout: '60s' });
  await site.provider.run("INSERT INTO entry (item) VALUES ('after')");
  await expectEqual(site, ['entry']);

  await twice('pause', { subscriber: 'eu' });
  await waitFor('eu is paused', async () => (await stateOf('eu')) === 'paused');
  await site.provider.run("INSERT INTO entry (item) VALUES ('meanwhile')");
  await site.sync(['us']);
  expect(await site.subscriber('eu').value("SELECT count(*) FROM entry WHERE item = 'meanwhile'")).toBe('0');
  const behind = await ask('wait', { timeout: '300ms', subscriber: ['eu'] });
  expect([behind.status, behind.body.error.code]).toEqual([504, 'timeout']);
  await waitFor('the lag of eu', async () => (await ask('lag')).body.samples.at(-1)?.lag_ms.eu > 0);
  await twice('resume', { subscriber: 'eu' });
  await expectEqual(site, ['entry']);

  expect((await ask('remove', { tables: ['entry'] })).status).toBe(400);
  const removed = await twice('remove', { tables: ['entry'], confirm: true });
  expect(removed.filter((one) => (one as { removed: string[] }).removed.length > 0)).toHaveLength(1);
  await done('remove-seq', { sequences: ['entry_id_seq'] });
  expect((await ask('seqs')).body.sequences).toEqual([]);
  // What is over: commands of the command line and over HTTP, each with its outcome.
  const { entries } = (await ask('audit?limit=100')).body;
  const over = (actor: RegExp) => entries.filter((line: { actor: string }) => actor.test(line.actor));
  expect(over(/^http:127\.0\.0\.1$/).map((line: { what: string }) => line.what)).toEqual([
    ...['remove-seq', 'remove', 'remove', 'resume', 'resume', 'pause', 'pause', 'add-seq', 'add-seq', 'add', 'add'],
  ]);
  expect(over(/@/).map((line: { what: string }) => line.what)).toEqual(['add', 'install']);
  expect(entries.every((line: { outcome: string }) => line.outcome === 'done')).toBe(true);
});

test('a command prints a link that opens the page, once', async () => {
  const { link } = JSON.parse((await site.command(['page', '--json'])).stdout) as { link: string };
  const entered = await fetch(link, { redirect: 'manual' });
  const cookie = (entered.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
  expect([entered.status, (await fetch(link, { redirect: 'manual' })).status]).toEqual([303, 401]);
  expect((await fetch(`${url}/api/v1/audit`, { headers: { cookie } })).status).toBe(200);
  expect((await fetch(`${url}/api/v1/audit`)).status).toBe(401);
});

/** Gives a program a terminal. */
const terminal = '/usr/bin/script';

/** Runs a command on a terminal of its own and types an answer. */
function onTerminal(words: readonly string[], answer: string): Promise<{ code: number | null; shown: string }> {
  const command = [join(projectRoot, 'bin', 'millrace'), '--config', site.configFile, ...words].join(' ');
  return new Promise((resolve) => {
    const child = spawn(terminal, ['-qefc', command, '/dev/null'], { stdio: ['pipe', 'pipe', 'ignore'] });
    let shown = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      if (!shown.includes('[y/N]') && `${shown}${text}`.includes('[y/N]')) child.stdin.write(`${answer}\n`);
      shown += text;
    });
    child.once('exit', (code) => resolve({ code, shown }));
  });
}

test.skipIf(!existsSync(terminal))(
  'on a terminal a person is asked before a table is taken away, and can say no',
  async () => {
    await site.everywhere('CREATE TABLE asked (id int PRIMARY KEY)');
    await done('add', { tables: ['asked'] });
    const inSet = async () => JSON.stringify((await ask('tables')).body).includes('public.asked');
    const no = await onTerminal(['remove', 'asked'], 'n');
    expect([no.code, no.shown]).toEqual([1, expect.stringMatching(/asked will not be followed.*nothing was done/s)]);
    expect(await inSet()).toBe(true);
    expect((await onTerminal(['remove', 'asked'], 'y')).code).toBe(0);
    await waitFor('the table is gone', async () => !(await inSet()));
  },
);

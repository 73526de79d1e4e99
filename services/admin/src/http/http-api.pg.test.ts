// The admin service as others reach it: verbs, faults, tokens, the document that describes it.

import { readFileSync, statSync } from 'node:fs';
import { get, request as httpRequest } from 'node:http';
import { setImmediate } from 'node:timers/promises';
import { adminToken, adminTokenFile, type Config, pageLink, runFile } from '@millrace/config';
import { controlCommands } from '@millrace/control';
import { type CommandSite, makeSite } from '@millrace/control/testing';
import { eventually, query, withClient } from '@millrace/testkit';
import { Validator } from '@seriousme/openapi-schema-validator';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { Admin } from '../admin.ts';

interface Reply {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: documents of many shapes, looked into by tests
  readonly body: any;
}

/** Starts admin for the site; the base of its URLs. */
async function serve(config: Config, http: Partial<Config['http']> = {}): Promise<string> {
  const admin = new Admin({
    config: { ...config, http: { ...config.http, ...http } },
    http: { host: http.host ?? '127.0.0.1', port: 0 },
  });
  await admin.start();
  onTestFinished(() => admin.stop());
  const { port } = JSON.parse(readFileSync(runFile(config, 'admin'), 'utf8')) as { port: number };
  const url = `http://127.0.0.1:${port}`;
  if (http.token === undefined && http.host === undefined) tokens.set(url, adminToken(config) ?? '');
  return url;
}

/** What admin made for itself, by its address; sent with every request. */
const tokens = new Map<string, string>();

const bearerOf = (url: string): Record<string, string> => {
  const token = tokens.get(new URL(url).origin);
  return token === undefined ? {} : { authorization: `Bearer ${token}` };
};

async function requestOf(url: string, init: RequestInit = {}): Promise<Reply> {
  const response = await fetch(url, { ...init, headers: { ...bearerOf(url), ...init.headers } });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text.startsWith('{') ? JSON.parse(text) : text };
}

const post = (url: string, body: unknown = {}, headers: Record<string, string> = {}): Promise<Reply> =>
  requestOf(url, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json', ...headers },
  });

/** The status of a request whose headers fetch would not let us choose. */
function statusWith(url: string, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve, reject) => {
    get(url, { headers }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    }).on('error', reject);
  });
}

async function withTable(): Promise<CommandSite> {
  const site = await makeSite();
  await site.do('install');
  await site.everywhere('CREATE TABLE entry (id serial PRIMARY KEY, item text)');
  return site;
}

describe('on this host', () => {
  let site: CommandSite;
  beforeAll(async () => {
    site = await withTable();
  });

  test('the verbs of the command line, with the same documents and the same audit', async () => {
    const url = await serve(site.config);
    const added = await post(
      `${url}/api/v1/add`,
      { tables: ['entry'], subscriber: ['eu'] },
      { 'x-millrace-user': 'alice' },
    );
    expect(added).toMatchObject({ status: 200, body: { added: ['public.entry'], subscribers: ['eu'] } });
    expect((await post(`${url}/api/v1/add-seq`, { sequences: ['entry_id_seq'] })).body).toMatchObject({
      added: ['public.entry_id_seq'],
    });
    expect((await requestOf(`${url}/api/v1/tables`)).body).toEqual((await site.do('tables')).document);
    expect((await requestOf(`${url}/api/v1/seqs`)).body).toEqual((await site.do('seqs')).document);
    expect(await post(`${url}/api/v1/pause`, { subscriber: 'eu' })).toMatchObject({
      status: 200,
      body: { paused: true },
    });
    expect(await post(`${url}/api/v1/resume`, { subscriber: 'eu' })).toMatchObject({ body: { paused: false } });
    expect(await post(`${url}/api/v1/install`)).toMatchObject({ status: 200, body: { queue: site.queue } });
    const removed = await post(`${url}/api/v1/remove`, { tables: ['entry'], confirm: true });
    expect(removed).toMatchObject({ status: 200, body: { removed: ['public.entry'] } });
    const audit = await requestOf(`${url}/api/v1/audit?limit=10`);
    expect(audit.body.entries.map(({ what }: { what: string }) => what)).toEqual(
      expect.arrayContaining(['remove', 'install', 'resume', 'pause', 'add-seq', 'add']),
    );
    expect(audit.body.entries).toContainEqual(
      expect.objectContaining({ what: 'add', actor: 'http:alice@127.0.0.1', arguments: 'entry --subscriber eu' }),
    );
    const status = await requestOf(`${url}/status`);
    expect([status.status, status.body.queue, status.body.ok]).toEqual([503, site.queue, false]);
    expect((await requestOf(`${url}/api/v1/status`)).status).toBe(200);
    const lag = await requestOf(`${url}/api/v1/lag`);
    expect(lag.body.samples.at(-1)).toMatchObject({ lag_ms: { eu: expect.any(Number), us: expect.any(Number) } });
  });

  test('faults have the code of the command line and a status that says whose they are', async () => {
    const url = await serve(site.config);
    const cases: [Promise<Reply>, number, string, RegExp][] = [
      [post(`${url}/api/v1/add`, { tables: ['nosuch'] }), 404, 'not-found', /nosuch/],
      [post(`${url}/api/v1/add`, { tables: ["x'; DROP TABLE entry"] }), 400, 'usage', /name/],
      [post(`${url}/api/v1/add`, { table: 'entry' }), 400, 'usage', /it takes tables, subscriber/],
      [post(`${url}/api/v1/pause`, { subscriber: 'nobody' }), 400, 'usage', /nobody/],
      [post(`${url}/api/v1/remove`, { tables: ['entry'] }), 400, 'usage', /confirm/],
      [post(`${url}/api/v1/unregister`, { subscriber: 'eu' }), 400, 'usage', /confirm/],
      [post(`${url}/api/v1/compare`, { every: '1h' }), 400, 'usage', /until it is stopped/],
      [post(`${url}/api/v1/wait`, { timeout: '1ms' }), 504, 'timeout', /eu is behind/],
      [post(`${url}/api/v1/uninstall`, { confirm: true }), 404, 'not-found', /no such path/],
      [requestOf(`${url}/api/v1/audit?limit=many`), 400, 'usage', /limit/],
      [requestOf(`${url}/api/v1/jobs/1`), 404, 'not-found', /no job/],
      [requestOf(`${url}/api/v1/add`), 405, 'usage', /only POST/],
      [post(`${url}/api/v1/tables`), 405, 'usage', /only GET/],
      [requestOf(`${url}/api/v1/add`, { method: 'OPTIONS' }), 405, 'usage', /only POST/],
      [
        requestOf(`${url}/api/v1/pause`, { method: 'POST', body: '{"subscriber":"eu"}' }),
        415,
        'usage',
        /application\/json/,
      ],
      [
        requestOf(`${url}/api/v1/add`, { method: 'POST', body: '{', headers: { 'content-type': 'application/json' } }),
        400,
        'usage',
        /JSON/,
      ],
      [
        post(`${url}/api/v1/pause`, { subscriber: 'eu' }, { origin: 'https://evil.example' }),
        403,
        'forbidden',
        /another site/,
      ],
    ];
    for (const [reply, status, code, message] of cases) {
      const { status: given, body, headers } = await reply;
      expect([given, body]).toEqual([status, { error: { code, message: expect.stringMatching(message) } }]);
      expect(headers.has('access-control-allow-origin')).toBe(false);
    }
    expect(await statusWith(`${url}/status`, { host: 'evil.example' })).toBe(403);
    expect(await statusWith(`${url}/live`, { host: 'evil.example' })).toBe(200);
    expect(await query(site.subscribers['eu'] ?? '', 'SELECT paused FROM millrace.control')).toEqual([
      { paused: false },
    ]);
  });

  test('a body without an end, or too long, is refused and hurts nobody', async () => {
    const url = await serve(site.config);
    const headers = { 'content-type': 'application/json' };
    const broken = httpRequest(`${url}/api/v1/add`, { method: 'POST', headers });
    broken.on('error', () => {});
    broken.write('{"tables":');
    broken.destroy();
    const long = await post(`${url}/api/v1/add`, { tables: ['x'.repeat(2_000_000)] });
    expect([long.status, long.body.error.message]).toEqual([400, expect.stringMatching(/longer than/)]);
    expect((await requestOf(`${url}/live`)).status).toBe(200);
  });

  test('admin answers within a second while many send what takes longest to check', async () => {
    const url = await serve(site.config);
    const bodies = [
      { ['a://b:'.repeat(160_000)]: 1 },
      Object.fromEntries(Array.from({ length: 80_000 }, (_, at) => [`k${at}`, at])),
      { tables: Array(400_000).fill(1) },
      { tables: Array(9_000).fill('a://b:'.repeat(16)) },
    ];
    const sent = bodies.flatMap((body) => [1, 2].map(() => post(`${url}/api/v1/remove`, body)));
    const delays: number[] = [];
    const all = Promise.all(sent).then((replies) => replies.map(({ status }) => status));
    for (let isOver = false; !isOver; isOver = await Promise.race([all.then(() => true), setImmediate(false)])) {
      const begin = performance.now();
      expect(await statusWith(`${url}/live`, {})).toBe(200);
      delays.push(performance.now() - begin);
    }
    expect(new Set(await all)).toEqual(new Set([400]));
    expect(Math.max(...delays)).toBeLessThan(1_000);
  });

  test('a command that takes long becomes a job that can be requested', async () => {
    const url = await serve(site.config);
    await withClient(site.provider, async (client) => {
      // Another person's command holds the set.
      await client.query(`SELECT pg_advisory_lock(hashtextextended('millrace:admin:${site.queue}', 7717))`);
      const begun = await post(`${url}/api/v1/add`, { tables: ['entry'] }, { prefer: 'wait=0' });
      expect([begun.status, begun.body.state]).toEqual([202, 'running']);
      const job = `${url}${begun.headers.get('location')}`;
      expect((await requestOf(job)).body).toMatchObject({ verb: 'add', state: 'running', result: null });
      await client.query('SELECT pg_advisory_unlock_all()');
      await eventually(async () => (await requestOf(job)).body.state === 'done', { what: 'the end of the job' });
      expect((await requestOf(job)).body).toMatchObject({
        result: { added: ['public.entry'] },
        notes: [expect.stringContaining('added for eu, us')],
        exit_code: 0,
      });
      expect((await requestOf(`${url}/api/v1/jobs`)).body.jobs[0].id).toBe(begun.body.id);
    });
  });

  test('two people who ask for the same at once both get an answer, and it is done once', async () => {
    const url = await serve(site.config);
    await post(`${url}/api/v1/remove`, { tables: ['entry'], confirm: true });
    const both = await Promise.all([1, 2].map(() => post(`${url}/api/v1/add`, { tables: ['entry'] })));
    expect(both.map(({ status }) => status)).toEqual([200, 200]);
    expect(both.map(({ body }) => body.added.length).sort()).toEqual([0, 1]);
  });

  test('the page may run its own script and nothing else', async () => {
    const url = await serve(site.config);
    const { status, headers, body } = await requestOf(`${url}/`);
    expect([status, headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    expect(headers.get('content-security-policy')).toMatch(
      /default-src 'none'; script-src 'sha256-[\w+/=]{44}'; style-src 'sha256-/,
    );
    expect(body).not.toMatch(/(src|href)="?https?:|@import|url\(|onclick=| style="/);
  });
});

test('admin waits at its end for a command that was given over HTTP', async () => {
  const site = await withTable();
  const admin = new Admin({ config: site.config, http: { host: '127.0.0.1', port: 0 } });
  await admin.start();
  const { url } = JSON.parse(readFileSync(runFile(site.config, 'admin'), 'utf8')) as { url: string };
  tokens.set(url, adminToken(site.config) ?? '');
  await withClient(site.provider, async (client) => {
    await client.query(`SELECT pg_advisory_lock(hashtextextended('millrace:admin:${site.queue}', 7717))`);
    const adding = post(`${url}/api/v1/add`, { tables: ['entry'] });
    await eventually(async () => (await requestOf(`${url}/api/v1/jobs`)).body.jobs.length === 1, { what: 'the job' });
    const stopped = admin.stop();
    expect((await post(`${url}/api/v1/pause`, { subscriber: 'eu' })).status).toBe(503);
    await client.query('SELECT pg_advisory_unlock_all()');
    expect(await adding).toMatchObject({ status: 200, body: { added: ['public.entry'] } });
    await stopped;
  });
});

test('without a token in the configuration admin lets in who can read its file, and a browser by a link, once', async () => {
  const site = await withTable();
  await site.do('add', 'entry');
  const url = await serve(site.config);
  const own = tokens.get(url) ?? '';
  expect(statSync(adminTokenFile(site.config)).mode & 0o777).toBe(0o600);
  expect(readFileSync(runFile(site.config, 'admin'), 'utf8')).not.toContain(own);
  tokens.delete(url);
  const guarded = ['audit', 'doctor', 'jobs', 'token', 'wait-for?token=x', `events/peek?queue=${site.queue}&tick=1`];
  for (const path of guarded) expect([path, (await requestOf(`${url}/api/v1/${path}`)).status]).toEqual([path, 401]);
  for (const verb of ['pause', 'compare', 'add', 'install', 'events/insert']) {
    expect([verb, (await post(`${url}/api/v1/${verb}`)).status]).toEqual([verb, 401]);
  }
  for (const path of ['live', 'ready', 'metrics', 'api/v1/tables', 'api/v1/lag', 'openapi.json', '']) {
    const { status } = await requestOf(`${url}/${path}`);
    expect([path, status]).toEqual([path, 200]);
  }
  const link = pageLink(url, own);
  const entered = await fetch(link, { redirect: 'manual' });
  expect([entered.status, entered.headers.get('location')]).toEqual([303, './']);
  const [cookie = ''] = (entered.headers.get('set-cookie') ?? '').split(';');
  expect((await fetch(link, { redirect: 'manual' })).status).toBe(401);
  expect((await requestOf(`${url}/api/v1/audit`, { headers: { cookie } })).status).toBe(200);
  expect((await post(`${url}/api/v1/pause`, { subscriber: 'eu' }, { cookie })).status).toBe(200);
  const foreign = { cookie, origin: 'http://127.0.0.1:1' };
  expect((await post(`${url}/api/v1/pause`, { subscriber: 'eu' }, foreign)).status).toBe(403);
  const bearer = { authorization: `Bearer ${own}` };
  expect((await post(`${url}/api/v1/resume`, { subscriber: 'eu' }, bearer)).status).toBe(200);
});

test('however many requests there are, a few sessions serve them, and who leaves ends his', async () => {
  const site = await withTable();
  await site.do('add', 'entry');
  const url = await serve(site.config);
  const { body } = await requestOf(`${url}/api/v1/token`);
  const sessions = async () =>
    (
      await query<{ n: number }>(
        site.subscribers['eu'] ?? '',
        "SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'millrace admin'",
      )
    )[0]?.n ?? 0;
  const leaving = new AbortController();
  const path = (at: number) => `${url}/api/v1/wait-for?token=${body.token}&subscriber=eu&timeout=${100 + at}s`;
  const waits = Array.from({ length: 60 }, (_, at) =>
    requestOf(path(at), { signal: leaving.signal }).catch(() => ({ status: 0, headers: new Headers() })),
  );
  const refused = await Promise.race(waits);
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '5']);
  await eventually(async () => (await sessions()) === 8, { what: 'eight sessions' });
  // Whatever waits, what is read otherwise is answered; of those, too, a few run and the rest takes turns or is refused.
  const reads = Array.from({ length: 150 }, (_, at) => requestOf(`${url}/api/v1/queue/info?queue=q${at}`));
  const fresh = Array.from({ length: 50 }, () => requestOf(`${url}/replicas/eu/ready?max_lag_ms=0`));
  expect(await sessions()).toBeLessThanOrEqual(14);
  expect(new Set((await Promise.all(reads)).map(({ status }) => status))).toEqual(new Set([404, 503]));
  expect(new Set((await Promise.all(fresh)).map(({ status }) => status))).toEqual(new Set([503]));
  leaving.abort();
  await eventually(async () => (await sessions()) === 0, { what: 'the end of all' });
});

test('with a token only who has it changes anything, or reads the audit and the jobs', async () => {
  const site = await withTable();
  const token = '0123456789abcdef-token';
  const url = await serve(site.config, { token, host: '0.0.0.0' });
  const bearer = { authorization: `Bearer ${token}` };
  for (const path of ['api/v1/audit', 'api/v1/jobs']) {
    const refused = await requestOf(`${url}/${path}`);
    expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="millrace"']);
    expect((await requestOf(`${url}/${path}`, { headers: bearer })).status).toBe(200);
  }
  expect((await post(`${url}/api/v1/pause`, { subscriber: 'eu' })).status).toBe(401);
  expect((await requestOf(`${url}/api/v1/tables`)).status).toBe(200);
  const paused = await post(`${url}/api/v1/pause`, { subscriber: 'eu' }, bearer);
  expect(paused.status).toBe(200);
  expect(JSON.stringify((await site.do('audit', '--all')).document)).not.toContain(token);
});

test('beyond this host nothing changes without a token in the configuration', async () => {
  const site = await withTable();
  const url = await serve(site.config, { host: '0.0.0.0' });
  const refused = await post(`${url}/api/v1/pause`, { subscriber: 'eu' });
  expect([refused.status, refused.body.error.message]).toEqual([403, expect.stringMatching(/http\.token/)]);
  expect(adminToken(site.config)).toBeUndefined();
  expect((await requestOf(`${url}/status`)).status).toBe(503);
});

test('the OpenAPI document is valid and has every verb but those that only a host can do', async () => {
  const site = await makeSite();
  const url = await serve(site.config, { token: '0123456789abcdef-token' });
  const { body: document } = await requestOf(`${url}/openapi.json`);
  const checked = await new Validator().validate(structuredClone(document));
  expect(checked).toMatchObject({ valid: true });
  expect(document.openapi).toBe('3.1.0');
  const notOverHttp = [];
  for (const name of controlCommands.names) {
    const path = document.paths[`/api/v1/${name.replace(' ', '/')}`];
    const { effect, api } = await controlCommands.load(name);
    if (path === undefined) notOverHttp.push(name);
    else expect(Object.keys(path), name).toEqual(effect === 'reads' && api?.method === undefined ? ['get'] : ['post']);
  }
  expect(notOverHttp.sort()).toEqual(['bus key', 'queue top', 'uninstall']);
  // Every path that is described is there: it is refused for its input or token, or answers, and is never unknown.
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const method of Object.keys(methods as object)) {
      const target = `${url}${path.replace('{id}', 'x')}`;
      const { status, body } = method === 'get' ? await requestOf(target) : await post(target, { nonsense: 1 });
      expect([path, body?.error?.message ?? '']).not.toEqual([path, 'there is no such path; see /openapi.json']);
      if (method === 'post') expect([path, status]).toEqual([path, 401]);
    }
  }
  const { security, requestBody } = document.paths['/api/v1/remove'].post;
  expect(security).toEqual([{ token: [] }]);
  expect(requestBody.content['application/json'].schema).toMatchObject({
    properties: { tables: { type: 'array' }, subscriber: { type: 'array' }, confirm: { type: 'boolean' } },
    required: ['tables'],
    additionalProperties: false,
  });
});

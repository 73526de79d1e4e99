// biome-ignore-all lint/suspicious/noTemplateCurlyInString: it is the configuration's own syntax
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MillraceError } from '@millrace/errors';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { findConfigFile } from './find.ts';
import { loadConfig, parseConfig } from './load.ts';
import { busKeys, busUrl, needProvider, needQueueDatabase, needSubscriberUrl, queueDatabases } from './needs.ts';
import { configJsonSchema } from './schema.ts';
import { parseHostPort, runFile, startFromArgs, writeRunFile } from './service-args.ts';

const file = '/srv/shop/millrace.yaml';
const busKey = 'q9Zt3Vw7Lx1Bn5Mc8Rk2Hs6Gd4Jf0PaY';
const full = `
queue: shop
provider:
  url: postgresql://user:\${PW}@host:5432/db
subscribers:
  eu:  { url: "postgresql://user@host2/db" }
  us:  { url: "postgresql://user@host3/db" }
bus:
  url: nats://127.0.0.1:4222
data_dir: ./.millrace
http: { host: 127.0.0.1, port: \${PORT} }
`;
const parse = (text: string, env: Record<string, string> = {}) => parseConfig(text, file, env);

function errorOf(work: () => unknown): MillraceError {
  try {
    work();
  } catch (error) {
    if (error instanceof MillraceError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

test('the whole file is read, expanded and frozen', () => {
  const config = parse(full, { PW: 'p%40ss', PORT: '0' });
  expect(config).toMatchObject({
    queue: 'shop',
    provider: { url: 'postgresql://user:p%40ss@host:5432/db' },
    bus: { url: 'nats://127.0.0.1:4222' },
    subscribers: { eu: { url: 'postgresql://user@host2/db' }, us: { url: 'postgresql://user@host3/db' } },
    data_dir: '/srv/shop/.millrace',
    http: { host: '127.0.0.1', port: 0 },
  });
  expect(Object.isFrozen(config.subscribers['eu'])).toBe(true);
});

test('messages are signed with the first key and accepted with all; without a key nothing is signed', () => {
  expect(busKeys(parse(''))).toEqual({ keys: [], acceptUnsigned: false });
  expect(busKeys(parse('bus: { key: "${K}" }', { K: busKey }))).toEqual({ keys: [busKey], acceptUnsigned: false });
  const two = parse(`bus: { key: [${busKey}, ${busKey}x], accept_unsigned: true }`);
  expect(busKeys(two)).toEqual({ keys: [busKey, `${busKey}x`], acceptUnsigned: true });
});

test('an empty file is all defaults', () => {
  expect(parse('')).toMatchObject({
    queue: 'main',
    subscribers: {},
    bus: {},
    data_dir: '/srv/shop/.millrace',
    http: { host: '127.0.0.1', port: 7700 },
    ticker: { active_ms: 10, idle_ms: 500 },
    copies: {},
    services: { host: '127.0.0.1', ports: {} },
  });
});

test.each([
  ['an unknown key', 'queue: a\nbuss: {}', 'line 2 has the unknown key buss'],
  ['a table that is none', 'compare:\n  every: 1h\n  tables: [a.b.c]', 'must be a table like'],
  ['a comparison of nothing', 'compare:\n  every: 1h\n  tables: []', 'must name a table'],
  ['an unknown key below', 'queue: a\nbus:\n  ulr: x', 'line 3 has the unknown key bus.ulr'],
  [
    'an unknown key of a subscriber',
    'subscribers:\n  eu: { url: "postgresql://h/d", pasword: x }',
    'line 2 has the unknown key subscribers.eu.pasword',
  ],
  [
    'a missing variable',
    'queue: a\nprovider:\n  url: "postgresql://u:${NO_SUCH}@h/d"',
    'line 3 uses ${NO_SUCH}, which is not set',
  ],
  ['a key that stands twice', 'queue: a\nqueue: b', 'line 2 is not valid YAML'],
  ['broken YAML', 'queue: "a', 'is not valid YAML'],
  ['a wrong type', 'http:\n  port: lots', 'line 2 http.port must be a whole number from 0 to 65535'],
  ['a port too high', 'http: { port: 70000 }', 'http.port must be a whole number from 0 to 65535'],
  ['a list for a map', 'subscribers: [eu]', 'subscribers must be a list of `key: value`'],
  ['a scalar file', 'shop', 'must be a list of `key: value`'],
  ['a section left empty', 'provider:', 'line 1 provider must be a list of `key: value`'],
  ['a provider without url', 'provider: {}', 'provider.url must be a URL'],
  ['a wrong scheme', 'provider: { url: "mysql://h/d" }', 'provider.url must begin with postgresql://'],
  ['a bus that speaks what we do not', 'bus: { url: "ws://h:4222" }', 'bus.url must be one or more URLs like nats://'],
  ['a bus that is no URL', 'bus: { url: "localhost:4222" }', 'bus.url must be one or more URLs'],
  ['replicas that make no majority', 'bus: { url: "nats://h", replicas: 2 }', 'bus.replicas must be 1 or 3'],
  [
    'a certificate without its key',
    'bus: { url: "nats://h", tls: { cert: a } }',
    'bus.tls must name cert and key together',
  ],
  ['TLS of nothing', 'bus: { url: "nats://h", tls: {} }', 'bus.tls must name ca, or cert and key'],
  ['a domain with a dot', 'bus: { url: "nats://h", domain: a.b }', 'bus.domain must be 1 to 255 letters'],
  ["an option of a bus of one's own", 'bus:\n  domain: hub', 'line 2 bus.domain needs bus.url'],
  [
    'a file that is not there',
    'bus:\n  url: nats://h\n  credentials: no.creds',
    'line 3 bus.credentials names /srv/shop/no.creds, which does not exist',
  ],
  [
    'a file of another kind',
    'bus:\n  url: tls://h\n  tls: { ca: /etc/passwd }',
    'line 3 bus.tls.ca names /etc/passwd, which holds no certificate in PEM',
  ],
  ['a key that is short', 'bus: { key: abc }', 'bus.key must be 32 to 512 characters'],
  ['a key that is easy to guess', `bus: { key: ${'ab'.repeat(20)} }`, 'bus.key is too easy to guess'],
  ['three keys', `bus: { key: [${[busKey, busKey, busKey]}] }`, 'bus.key must be one or two keys'],
  ['a bad subscriber name', 'subscribers:\n  "e u": {}', 'line 2 subscribers.e u: the name must be 1 to 63 letters'],
  [
    'names that differ in case',
    'subscribers:\n  eu: {}\n  EU: {}',
    'line 3 names the subscriber "EU", which differs from "eu" in case only',
  ],
  [
    'databases that differ in case',
    'databases:\n  a: { url: "postgresql://h/d" }\n  A: { url: "postgresql://h/d" }',
    'line 3 names the database "A", which differs from "a" in case only',
  ],
  [
    'a database called as the provider',
    'databases:\n  Provider: { url: "postgresql://h/d" }',
    'is the name under which the provider is known',
  ],
  ['a database without a url', 'databases:\n  jobs: {}', 'databases.jobs.url must be a URL'],
  ['a name that is the prototype', 'subscribers:\n  __proto__: {}', 'line 2 has the key "__proto__"'],
  ['an empty queue name', 'queue: ""', 'queue must not be empty'],
  ['a queue name too long', `queue: ${'ü'.repeat(32)}`, 'queue must be at most 63 bytes'],
  ['a number as queue name', 'queue: 5', 'queue must be a name'],
  [
    'a pace turned round',
    'ticker: { active_ms: 200, idle_ms: 100 }',
    'ticker active_ms must not be greater than idle_ms',
  ],
  [
    'a port for an unknown service',
    'services: { ports: { tikcer: 1 } }',
    'services.ports.tikcer: the name must be ticker, capture or replay:NAME',
  ],
  [
    'aliases that multiply',
    `a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c]`,
    'cannot be read',
  ],
])('%s is refused with its line', (_what, text, message) => {
  const error = errorOf(() => parse(text));
  expect(error.code).toBe('config');
  expect(error.message).toContain(message);
  expect(error.message).toContain(file);
  expect(error.message).not.toContain('\n');
});

test.each([
  'provider: { url: "postgresql://u:secret@h:port/d" }',
  'provider: { url: "secret@h" }',
  'provider: { url: postgresql://u:secret@h/d',
  'provider: { url: "postgresql://u:secret@h/d", secret_less: 1 }',
  'bus: { url: "nats://secret@" }',
  'bus: { key: secret }',
  'provider: {{ url: "postgresql://u:secret@h/d" }}',
  'provider: { postgresql://u:secret@h/d }',
  'subscribers: { "postgresql://u:secret@h/d" }',
  '{ "postgresql://u:secret@h/d": 1 }',
  'subscribers: { ? [secret] : {} }',
  'bus: { key: [secret-secret-secret-secret-secret-12345678, secret] }',
])('no message quotes the value that is wrong', (text) => {
  const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
  expect(errorOf(() => parse(text)).message).not.toMatch(/secret(?!_less)/);
  expect(warned).not.toHaveBeenCalled();
  warned.mockRestore();
});

test('a template that nobody filled in is refused, with its line', () => {
  const error = errorOf(() => parse('queue: main\nprovider: {{ url }}'));
  expect(error.message).toMatch(/line 2 has a list in braces or brackets where a key must be/);
});

test('a subscriber may be only named', () => {
  expect(Object.keys(parse('subscribers:\n  eu:\n  us: {}').subscribers)).toEqual(['eu', 'us']);
});

test('a value from the environment cannot change the shape of the file', () => {
  expect(parse('queue: ${Q}', { Q: 'a, b: {c}' }).queue).toBe('a, b: {c}');
  expect(parse('queue: $${Q}').queue).toBe('${Q}');
  expect(parse('# ${NOT_SET}\nqueue: a').queue).toBe('a');
});

test('a replay host needs queue, bus and its subscriber only; the provider side no subscriber url', () => {
  const replay = parse('bus: { url: nats://h }\nsubscribers: { eu: { url: postgresql://h/d } }');
  expect(needSubscriberUrl(replay, 'eu')).toBe('postgresql://h/d');
  expect(busUrl(replay)).toBe('nats://h');
  expect(errorOf(() => needProvider(replay)).sentence).toContain('add `provider: {');
  const capture = parse('provider: { url: postgresql://h/d }\nsubscribers: { eu: {} }');
  expect(needProvider(capture).url).toBe('postgresql://h/d');
  expect(errorOf(() => needSubscriberUrl(capture, 'eu')).sentence).toContain('below subscribers.eu');
  expect(errorOf(() => needSubscriberUrl(capture, 'toString')).sentence).toContain('it has eu');
});

test('the JSON schema describes every option', () => {
  const schema = JSON.stringify(configJsonSchema());
  for (const key of ['queue', 'provider', 'subscribers', 'bus', 'data_dir', 'http', 'ticker', 'services']) {
    expect(schema).toContain(`"${key}"`);
  }
});

test.each([
  ['h:1', 'h', 1],
  ['[::1]:0', '::1', 0],
  ['127.0.0.1:65535', '127.0.0.1', 65_535],
])('%s is host and port', (text, host, port) => {
  expect(parseHostPort(text)).toEqual({ host, port });
});

test.each(['h', ':1', 'h:65536', 'h:x', '::1:5', ''])('%s is not host and port', (text) => {
  expect(errorOf(() => parseHostPort(text)).code).toBe('usage');
});

describe('files', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'millrace-config-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test('the file is searched for in the fixed order', () => {
    expect(findConfigFile({ cwd: folder, env: {} })).toBeUndefined();
    expect(errorOf(() => loadConfig({ cwd: folder, env: {} })).sentence).toContain('millrace up');
    mkdirSync(join(folder, '.millrace'));
    for (const [file, found] of [
      ['.millrace/millrace.yaml', {}],
      ['millrace.yaml', {}],
      ['env.yaml', { env: { MILLRACE_CONFIG: 'env.yaml' } }],
      ['flag.yaml', { flag: 'flag.yaml', env: { MILLRACE_CONFIG: 'env.yaml' } }],
    ] as const) {
      writeFileSync(join(folder, file), `queue: ${file.replaceAll('/', '-')}`);
      expect(findConfigFile({ cwd: folder, env: {}, ...found })).toBe(join(folder, file));
    }
    expect(errorOf(() => findConfigFile({ flag: 'no.yaml', cwd: folder })).code).toBe('config');
    expect(errorOf(() => findConfigFile({ flag: folder, cwd: folder })).message).toContain('is not a file');
  });

  test('the bus url comes from the running nats-server when the file has none', () => {
    const config = parseConfig('data_dir: data', join(folder, 'millrace.yaml'), {});
    expect(busUrl(config)).toBeUndefined();
    mkdirSync(join(folder, 'data', 'run'), { recursive: true });
    writeFileSync(join(folder, 'data', 'run', 'nats.url'), 'nats://127.0.0.1:9\n');
    expect(busUrl(config)).toBe('nats://127.0.0.1:9');
  });

  test('files and options of the bus become the query of its URL, and an old URL stays unchanged', () => {
    const pem = '-----BEGIN CERTIFICATE-----\n';
    for (const [name, text] of [
      ['ca.pem', pem],
      ['c,1.pem', pem],
      ['c.key', '-----BEGIN EC PRIVATE KEY-----\n'],
      ['shop.nk', `SU${'A'.repeat(56)}\n`],
    ] as const)
      writeFileSync(join(folder, name), text);
    const tls = '{ ca: ca.pem, cert: "c,1.pem", key: c.key }';
    const text = `bus: { url: "tls://a:1, tls://b:2", credentials: shop.nk, tls: ${tls}, replicas: 3, domain: hub }`;
    const url = busUrl(parseConfig(text, join(folder, 'millrace.yaml'), {})) ?? '';
    const [first = '', second] = url.split(',');
    expect([...new URL(first).searchParams]).toEqual([
      ['creds', join(folder, 'shop.nk')],
      ['ca', join(folder, 'ca.pem')],
      ['cert', join(folder, 'c,1.pem')],
      ['key', join(folder, 'c.key')],
      ['replicas', '3'],
      ['domain', 'hub'],
    ]);
    expect(second?.trim()).toBe('tls://b:2');
    const old = 'nats://u:p@h:4222?creds=/etc/shop.creds,nats://i';
    expect(busUrl(parse(`bus: { url: "${old}" }`))).toBe(old);
  });

  test('a service reads its arguments and writes where it listens', () => {
    writeFileSync(join(folder, 'a.yaml'), 'services: { ports: { "replay:eu": 7001 } }');
    const { config, name, http } = startFromArgs('replay', ['--config', join(folder, 'a.yaml'), '--name', 'eu']);
    expect([name, http]).toEqual(['eu', { host: '127.0.0.1', port: 7001 }]);
    const file = runFile(config, 'replay', 'eu');
    writeRunFile(file, { service: 'replay', name: 'eu', host: 'h', port: 1, url: 'http://h:1' });
    expect(file.endsWith('run/replay-eu.json')).toBe(true);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ service: 'replay', port: 1, pid: process.pid });
    for (const args of [['--name', 'eu'], ['x'], ['--nmae', 'x'], ['--http', 'x']]) {
      expect(errorOf(() => startFromArgs('ticker', ['--config', join(folder, 'a.yaml'), ...args])).code).toBe('usage');
    }
  });
});

test('a variable may stand unquoted between braces', () => {
  const config = parse('subscribers: { eu: { url: ${EU_URL} }, us: { url: "${US_URL}" } }', {
    EU_URL: 'postgresql://h/a',
    US_URL: 'postgresql://h/b',
  });
  expect(config.subscribers).toEqual({ eu: { url: 'postgresql://h/a' }, us: { url: 'postgresql://h/b' } });
});

test('a database with queues is the provider, the only one, or the one that is named', () => {
  const one = 'databases: { jobs: { url: "postgresql://h/jobs" } }';
  const provider = 'provider: { url: "postgresql://h/shop" }';
  expect(needQueueDatabase(parse(one))).toEqual({ name: 'jobs', url: 'postgresql://h/jobs' });
  expect(needQueueDatabase(parse(`${provider}\n${one}`)).name).toBe('provider');
  expect(needQueueDatabase(parse(`${provider}\n${one}`), 'jobs').name).toBe('jobs');
  expect(queueDatabases(parse(`${provider}\n${one}`)).map(({ name }) => name)).toEqual(['provider', 'jobs']);
  const two = parse('databases: { a: { url: "postgresql://h/a" }, b: { url: "postgresql://h/b" } }');
  expect(errorOf(() => needQueueDatabase(two)).sentence).toContain(
    'several databases: a, b; say which with --database NAME',
  );
  expect(errorOf(() => needQueueDatabase(two, 'c')).sentence).toContain('has no database "c", it has a, b');
  expect(errorOf(() => needQueueDatabase(parse('queue: q'))).sentence).toContain('names no database with queues');
});

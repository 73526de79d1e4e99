// The commands of docs/operations.md, typed as they stand there, situation by situation; none of them may be left out.

import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { waitFor } from '@millrace/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CommandResult, runCommand } from '../harness/command-line.ts';
import type { Database } from '../harness/database.ts';
import { Ground } from '../harness/ground.ts';
import { runInOwnProcess, runsInOwnProcess } from '../harness/own-process.ts';
import { ServiceProcess } from '../harness/service-process.ts';
import type { Site } from '../harness/site.ts';
import { projectRoot } from '../harness/standing.ts';

let ground: Ground;
let site: Site;
let next: Database;
/** Commands that ran, as the document has them. */
const typed = new Set<string>();
/** The same with their arguments: what has run as a program once need not be started as one again. */
const started = new Set<string>();
const foreground: ServiceProcess[] = [];

const schema = `CREATE TABLE customer (id serial PRIMARY KEY, name text NOT NULL);
  CREATE TABLE orders (id serial PRIMARY KEY, customer int NOT NULL REFERENCES customer, item text);
  CREATE SEQUENCE invoice_number`;

beforeAll(async () => {
  // Roles belong to a server, and uninstall takes ours away: these servers are for this file alone.
  ground = await Ground.start({ name: 'runbook', servers: { provider: { major: 15 }, others: { major: 18 } } });
  site = await ground.site({ name: 'runbook', provider: 'provider', subscribers: { eu: 'others', us: 'others' } });
  next = await ground.createDatabase('others', 'runbook_next');
  await site.provider.run(schema);
  await site.provider.run(`INSERT INTO customer (name) SELECT 'customer ' || i FROM generate_series(1, 50) i;
    INSERT INTO orders (customer, item) SELECT 1 + i % 50, 'item ' || i FROM generate_series(1, 500) i`);
});

afterAll(async () => {
  await Promise.all(foreground.map((service) => service.kill()));
  await next.close();
  await ground.stop();
});

interface Typing {
  readonly config?: string;
  /** Default 0. */
  readonly code?: number;
  /** What stands for a word in capitals. */
  readonly words?: Readonly<Record<string, string>>;
}

const environment = (): NodeJS.ProcessEnv => {
  const { MILLRACE_CONFIG: _unused, ...env } = process.env;
  return { ...env, MILLRACE_DEBUG: '1' };
};

const program = join(projectRoot, 'bin', 'millrace');

function argumentsOf(command: string, { config, words = {} }: Typing): string[] {
  typed.add(command);
  const [, ...args] = command
    .replace(/ > .*$/, '')
    .split(' ')
    .map((word) => words[word] ?? word);
  return ['--config', config ?? site.configFile, ...args];
}

/** Runs a command of the document to its end: the first time as the program, with the same arguments again in this process. */
async function type(command: string, how: Typing = {}): Promise<CommandResult> {
  const args = argumentsOf(command, how);
  const line = { args, env: environment(), timeoutMs: 90_000 };
  const isRepeated = started.has(args.join(' ')) && runsInOwnProcess(args);
  started.add(args.join(' '));
  const result = isRepeated ? await runInOwnProcess(line) : await runCommand({ ...line, file: program, cwd: site.dir });
  const said = `${command}: exit ${result.code}\n${result.stdout}${result.stderr}`;
  expect(result.code, said).toBe(how.code ?? 0);
  expect(result.stderr, 'nothing keeps a finished command alive').not.toContain('still open');
  return result;
}

/** Starts a command of the document that runs until it is stopped. */
function start(command: string, how: Typing = {}): ServiceProcess {
  const logFile = join(site.dir, `${command.replaceAll(/\W+/g, '-')}.log`);
  const args = argumentsOf(command, how);
  const service = new ServiceProcess({
    label: command,
    file: program,
    args,
    cwd: site.dir,
    env: environment(),
    logFile,
  });
  foreground.push(service);
  service.start();
  return service;
}

async function stopAll(): Promise<void> {
  for (const service of foreground.splice(0).reverse()) {
    const { code } = await service.stop();
    expect(code, `${service.plan.label}\n${service.log.slice(-2000)}`).toBe(0);
  }
}

/** A configuration of some host, in a folder of its own. */
function configuration(name: string, lines: readonly string[]): string {
  const file = join(site.dir, `${name}.yaml`);
  const bus = `bus: { url: "${ground.nats.url}" }`;
  const dir = `data_dir: ${join(site.dir, `data-${name}`)}`;
  writeFileSync(file, ['queue: runbook', ...lines, bus, dir, 'http: { port: 0 }', ''].join('\n'));
  return file;
}

const urlOf = (name: string): string => site.subscriber(name).url;
const provider = (): string => `provider: { url: "${site.provider.url}" }`;

/** The subscribers of the site and one more. */
const subscribers = (more: Readonly<Record<string, Database>>): string[] => [
  'subscribers:',
  ...Object.entries({ ...Object.fromEntries(site.subscribers), ...more }).map(
    ([name, { url }]) => `  ${name}: { url: "${url}" }`,
  ),
];

async function equal(...names: string[]): Promise<void> {
  await type('millrace wait --timeout 60s');
  const result = await type('millrace compare');
  for (const name of names) expect(result.stdout).toContain(`${name}: public.orders: equal`);
}

test('services run one by one, tables come in, and every look at them is answered', async () => {
  await type('millrace install');
  for (const one of ['ticker', 'capture', 'replay eu', 'replay us', 'admin']) start(`millrace run ${one}`);
  await type('millrace add customer orders --create');
  await type('millrace add --all --create');
  await type('millrace add-seq orders_id_seq');
  await equal('eu', 'us');
  expect((await type('millrace tables')).stdout).toContain('public.orders');
  expect((await type('millrace seqs')).stdout).toContain('public.orders_id_seq');
  expect((await type('millrace status')).stdout).toContain('eu');
  expect(JSON.parse((await type('millrace status --json')).stdout)).toMatchObject({ queue: 'runbook' });
  await site.provider.run("INSERT INTO orders (customer, item) VALUES (1, 'mine')");
  const { stdout: token } = await type('millrace token');
  await type('millrace wait-for TOKEN', { words: { TOKEN: token.trim() } });
  expect((await type('millrace compare orders --subscriber eu')).stdout).toContain('equal, 501 rows');
  expect((await type('millrace doctor')).stdout).not.toContain('error:');
  const watch = start('millrace compare --every 1h');
  await waitFor('the first round', () => watch.log.includes('us: public.orders: equal'));
  await watch.kill();
  foreground.splice(foreground.indexOf(watch), 1);
  await type('millrace pause eu');
  expect((await site.status()).subscribers.find(({ name }) => name === 'eu')?.state).toBe('paused');
  await type('millrace resume eu');
});

test('users and keys for the bus are printed, and a link to the page of admin', async () => {
  const users = await type('millrace bus permissions --role provider host > /tmp/millrace-users.conf');
  expect(users.stdout).toMatch(/publish/);
  expect((await type('millrace bus permissions --format account --login nkey')).stdout).toMatch(/nkey/);
  expect((await type('millrace bus permissions --format nsc')).stdout).toMatch(/^nsc /m);
  expect((await type('millrace bus permissions')).stdout).toMatch(/password/);
  const config = join(site.dir, 'signed.yaml');
  const signed = `bus:\n  key: ${randomBytes(32).toString('hex')}\n`;
  writeFileSync(config, readFileSync(site.configFile, 'utf8').replace('bus:\n', signed));
  expect((await type('millrace bus key eu', { config })).stdout).toMatch(/^\S{40,}\n$/);
  expect((await type('millrace page')).stdout).toMatch(/^http:\/\/127\.0\.0\.1:\d+\//);
});

test('a table and a sequence leave the set, and come back with and without a copy', async () => {
  await type('millrace remove-seq orders_id_seq');
  await type('millrace remove orders');
  await type('millrace add orders --no-copy');
  await equal('eu', 'us');
  await type('millrace remove orders');
  await site.provider.run("UPDATE orders SET item = 'unseen' WHERE id < 100");
  await type('millrace add orders');
  await equal('eu', 'us');
  expect((await type('millrace audit')).stdout).toContain('remove');
  expect(JSON.parse((await type('millrace audit --limit 100 --json')).stdout)).toHaveProperty('entries');
});

test('somebody wrote at a subscriber: compare names the rows, repair and resync make them equal', async () => {
  const spoil = () =>
    site.subscriber('eu').run(`DELETE FROM orders WHERE id = 1; UPDATE orders SET item = 'spoiled' WHERE id = 2;
      INSERT INTO orders VALUES (100000, 1, 'extra')`);
  await spoil();
  const { stdout } = await type('millrace compare', { code: 1 });
  expect(stdout).toMatch(/eu: public\.orders: differs at tick \d+: 1 missing, 1 extra, 1 different/);
  const printed = await type('millrace repair orders --subscriber eu');
  await site.subscriber('eu').run(printed.stdout);
  await equal('eu', 'us');
  await spoil();
  await type('millrace repair orders --subscriber eu --apply --yes');
  await equal('eu', 'us');
  await spoil();
  await type('millrace resync orders --subscriber eu --yes');
  await equal('eu', 'us');
  await type('millrace resync orders --yes');
  await equal('eu', 'us');
});

test('a new subscriber joins, and leaves', async () => {
  const asia = await ground.createDatabase('others', 'runbook_asia');
  const config = configuration('asia', [provider(), ...subscribers({ asia })]);
  await type('millrace install', { config });
  await type('millrace add --all --create --subscriber asia', { config });
  start('millrace run replay asia', { config });
  await type('millrace wait --timeout 60s', { config });
  expect((await type('millrace compare', { config })).stdout).toContain('asia: public.orders: equal');
  await foreground.pop()?.stop();
  await type('millrace unregister asia --yes', { config });
  await asia.close();
});

test('a subscriber is forgotten, and starts again', async () => {
  const [replay] = foreground.filter(({ plan }) => plan.label === 'millrace run replay eu');
  await replay?.kill();
  await type('millrace unregister eu --yes');
  await site.subscriber('eu').run('DELETE FROM orders WHERE id < 50');
  await type('millrace install');
  await type('millrace add customer orders --subscriber eu');
  replay?.start();
  await equal('eu', 'us');
});

test('the provider went back in time: everything starts again', async () => {
  await stopAll();
  await site.provider.run("UPDATE orders SET item = 'from the backup'");
  await type('millrace uninstall --yes');
  await type('millrace install');
  await type('millrace add customer orders');
  expect(await site.subscriber('eu').value('SELECT count(*) > 0 FROM orders')).toBe(true);
});

test('the parts run on several hosts, and a table comes in on both sides', async () => {
  const near = configuration('near', [provider(), 'subscribers:', '  eu: {}', `  us: { url: "${urlOf('us')}" }`]);
  const far = configuration('far', ['subscribers:', `  eu: { url: "${urlOf('eu')}" }`]);
  const third = configuration('third', ['subscribers:', `  us: { url: "${urlOf('us')}" }`]);
  start('millrace up --only ticker,capture', { config: near });
  start('millrace up --only replay:us', { config: third });
  await type('millrace install', { config: far });
  start('millrace up --only replay:eu', { config: far });
  await equal('eu', 'us');
  await type('millrace remove orders');
  await type('millrace add orders', { config: near });
  await type('millrace add orders', { config: far });
  await equal('eu', 'us');
  await stopAll();
});

test('a move to a new major version: a subscriber that becomes the provider', async () => {
  const wide = configuration('wide', [provider(), ...subscribers({ next })]);
  const config = { config: wide };
  await type('millrace install', config);
  await type('millrace add --all --create --subscriber next', config);
  await next.run('CREATE SEQUENCE invoice_number');
  await type('millrace add-seq invoice_number --subscriber next', config);
  const all = start('millrace up', config);
  await waitFor('ready', () => /^ready$/m.test(all.log));
  await site.provider.run(
    "SELECT setval('invoice_number', 4711); INSERT INTO orders (customer, item) VALUES (2, 'last')",
  );
  await type('millrace wait --timeout 60s', config);
  expect(await next.value('SELECT last_value FROM invoice_number')).toBe('4711');
  await stopAll();
  await type('millrace uninstall --yes', config);
  const turned = configuration('turned', [
    `provider: { url: "${next.url}" }`,
    `subscribers: { us: { url: "${urlOf('us')}" } }`,
  ]);
  const after = { config: turned };
  await type('millrace install', after);
  await type('millrace add --all --no-copy', after);
  const now = start('millrace up', after);
  await waitFor('ready', () => /^ready$/m.test(now.log));
  await next.run("INSERT INTO orders (customer, item) VALUES (3, 'at the new server')");
  await type('millrace wait --timeout 60s', after);
  expect(await site.subscriber('us').value("SELECT count(*) FROM orders WHERE item = 'at the new server'")).toBe('1');
  await stopAll();
});

test('no command of the document is left out', () => {
  const text = readFileSync(join(projectRoot, 'docs/operations.md'), 'utf8');
  const blocks = [...text.matchAll(/^ *```sh\n([\s\S]*?)^ *```/gm)].flatMap((match) => (match[1] ?? '').split('\n'));
  const prose = text.replaceAll(/^ *```[\s\S]*?^ *```/gm, '');
  const inline = [...prose.matchAll(/`([^`\n]+)`/g)].map((match) => match[1] ?? '');
  const documented = [...blocks, ...inline]
    .map((line) => line.trim().replace(/^bin\//, ''))
    .filter((line) => /^millrace \w/.test(line));
  expect(documented.length).toBeGreaterThan(30);
  // A verb alone in a sentence is only its name.
  const isTyped = (command: string) =>
    typed.has(command) || (command.split(' ').length === 2 && [...typed].some((one) => one.startsWith(`${command} `)));
  expect([...new Set(documented)].filter((command) => !isTyped(command))).toEqual([]);
});

// Queues without replication: `millrace up` with nothing but databases, as an operator of pgqd would use it.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { waitFor } from '@millrace/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CommandResult, runCommand } from '../harness/command-line.ts';
import type { Database } from '../harness/database.ts';
import { Ground } from '../harness/ground.ts';
import { runInOwnProcess, runsInOwnProcess } from '../harness/own-process.ts';
import { ServiceProcess } from '../harness/service-process.ts';
import { projectRoot } from '../harness/standing.ts';

const launcher = join(projectRoot, 'bin', 'millrace');
const { MILLRACE_CONFIG: _unused, ...env } = process.env;

let ground: Ground;
let jobs: Database;
let billing: Database;
let both: string;
let onlyJobs: string;
let up: ServiceProcess;

beforeAll(async () => {
  ground = await Ground.start({ name: 'queues', servers: { a: { major: 15 }, b: { major: 18 } } });
  jobs = await ground.createDatabase('a', 'jobs');
  billing = await ground.createDatabase('b', 'billing');
  const dir = join(ground.dir, 'host');
  mkdirSync(dir);
  both = config(join(dir, 'millrace.yaml'), { jobs: { url: jobs.url }, billing: { url: billing.url } });
  const other = join(ground.dir, 'other');
  mkdirSync(other);
  onlyJobs = config(join(other, 'millrace.yaml'), { jobs: { url: jobs.url } });
  const args = ['--config', both, 'up'];
  up = new ServiceProcess({ label: 'up', file: launcher, args, cwd: dir, env, logFile: join(dir, 'up.log') });
});

afterAll(async () => {
  await up?.stop();
  await Promise.all([jobs, billing].map((database) => database?.close()));
  await ground?.stop();
});

function config(file: string, databases: object): string {
  const ticker = { queues_ms: 50, retry_ms: 100, maintenance_ms: 100, statistics_ms: 1_000 };
  writeFileSync(file, JSON.stringify({ databases, ticker, http: { port: 0 }, data_dir: './data' }));
  return file;
}

/** Words as a shell would cut them. */
function words(line: string): string[] {
  return (line.match(/'[^']*'|\S+/g) ?? []).map((word) => word.replaceAll(/^'|'$/g, ''));
}

async function attempt(line: string, more: { file?: string; input?: string } = {}): Promise<CommandResult> {
  const { file = both, input = '' } = more;
  const args = ['--config', file, ...words(line)];
  if (runsInOwnProcess(args)) return runInOwnProcess({ args, env, input });
  return runCommand({ file: launcher, args, cwd: ground.dir, env, input });
}

// biome-ignore lint/suspicious/noExplicitAny: documents of many shapes
async function millrace(line: string, more: { file?: string; input?: string } = {}): Promise<any> {
  const { code, stdout, stderr } = await attempt(`${line} --json`, more);
  if (code !== 0) throw new Error(`millrace ${line}: exit ${code}\n${stdout}${stderr}`);
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
}

const insert = (database: Database, queue: string, data: string) =>
  database.run('SELECT pgq.insert_event($1, $2, $3)', [queue, 't', data]);

/** What a consumer has before it, read and finished. */
async function consume(database: Database, queue: string, consumer: string): Promise<string[]> {
  const batch = await database.value<string | null>('SELECT pgq.next_batch($1, $2)', [queue, consumer]);
  if (batch === null) return [];
  const events = await database.rows('SELECT ev_data FROM pgq.get_batch_events($1)', [batch]);
  await database.run('SELECT pgq.finish_batch($1)', [batch]);
  return events.map((event) => String(event['ev_data']));
}

async function receives(
  database: Database,
  [queue, consumer]: [string, string],
  expected: readonly string[],
): Promise<void> {
  const got: string[] = [];
  await waitFor(`${expected.join(', ')} at ${consumer}`, async () => {
    got.push(...(await consume(database, queue, consumer)));
    return got.length >= expected.length;
  });
  expect(got).toEqual(expected);
}

test('databases without schema pgq are waited for, made by install, and then served', async () => {
  up.start();
  await waitFor('the ticker waits', () => up.log.includes('database billing has no schema pgq'));
  expect(await billing.value("SELECT count(*) FROM pg_namespace WHERE nspname IN ('pgq', 'millrace')")).toBe('0');
  // One by making a queue, the other by install.
  await millrace('queue create mail --database jobs --ticker-max-lag 0');
  expect(await millrace('install')).toMatchObject({
    parts: [
      { part: 'database jobs', state: 'done', detail: 'schema is up to date' },
      { part: 'database billing', state: 'done', detail: 'schema installed' },
    ],
  });
  await millrace('queue create bills --database billing --ticker-max-lag 0');
  await waitFor('ready', () => /^ready$/m.test(up.log));
  await millrace('consumer register mail mailer --database jobs');
  await millrace('consumer register bills printer --database billing');
  await insert(jobs, 'mail', 'm1');
  await insert(billing, 'bills', 'b1');
  await receives(jobs, ['mail', 'mailer'], ['m1']);
  await receives(billing, ['bills', 'printer'], ['b1']);
});

test('a queue made while all runs is served, by a second ticker as well, and one with an external ticker is left alone', async () => {
  await millrace('queue create external --database jobs --external-ticker true --ticker-max-lag 0');
  await millrace('consumer register external reader --database jobs');
  await insert(jobs, 'external', 'e1');
  const standby = new ServiceProcess({
    label: 'standby',
    file: launcher,
    args: ['--config', onlyJobs, 'run', 'ticker'],
    cwd: ground.dir,
    env,
    logFile: join(ground.dir, 'standby.log'),
  });
  standby.start();
  await waitFor('the standby stands by', () => standby.log.includes('stands by: another instance leads'));
  await millrace('queue create new --database jobs --ticker-max-lag 0');
  await millrace('consumer register new reader --database jobs');
  await insert(jobs, 'new', 'n1');
  await receives(jobs, ['new', 'reader'], ['n1']);
  expect(await millrace('queue info external --database jobs')).toMatchObject({
    queue: { last_tick: 1, new_events: 1 },
  });
  expect((await standby.stop()).code).toBe(0);
  // Its ticks come from where the events come from.
  await jobs.run("SELECT pgq.ticker('external', 2, now(), 1)");
  await receives(jobs, ['external', 'reader'], ['e1']);
});

test('a database that goes down and comes back disturbs no other, and loses nothing', async () => {
  await insert(billing, 'bills', 'b2');
  await ground.server('b').kill('SIGKILL');
  await waitFor('the ticker says so', () => /database-unreachable/.test(up.log) && /database billing/.test(up.log));
  await insert(jobs, 'mail', 'm2');
  await receives(jobs, ['mail', 'mailer'], ['m2']);
  const all = await attempt('queue list --all --json');
  expect([all.code, JSON.parse(all.stdout)]).toMatchObject([
    1,
    { unreachable: [{ database: 'billing', code: 'database-unreachable' }] },
  ]);
  await ground.server('b').start();
  await insert(billing, 'bills', 'b3');
  await receives(billing, ['bills', 'printer'], ['b2', 'b3']);
});

test('events come again when their time has come, or when a person says so; rotation keeps what a consumer lacks', async () => {
  await insert(jobs, 'mail', 'again');
  const batch = await waitFor('a batch', async () => {
    const id = await jobs.value<string | null>("SELECT pgq.next_batch('mail', 'mailer')");
    if (id === null) return false;
    const events = await jobs.rows('SELECT ev_id FROM pgq.get_batch_events($1)', [id]);
    if (events.length > 0) return { id, event: events[0]?.['ev_id'] };
    await jobs.run('SELECT pgq.finish_batch($1)', [id]);
    return false;
  });
  await jobs.run('SELECT pgq.event_retry($1, $2, 0)', [batch.id, batch.event]);
  await jobs.run('SELECT pgq.finish_batch($1)', [batch.id]);
  await receives(jobs, ['mail', 'mailer'], ['again']);
  expect(await millrace('events retry mail mailer --database jobs')).toMatchObject({ waiting: [] });
  // A consumer that stands still holds its events through several periods.
  await millrace('consumer register mail sleeper --database jobs');
  await insert(jobs, 'mail', 'kept');
  await millrace('queue config mail rotation_period=50ms --database jobs');
  await waitFor('a rotation', async () => (await millrace('queue info mail --database jobs')).queue.current_table > 0);
  const { rotated_at } = (await millrace('queue info mail --database jobs')).queue;
  await receives(jobs, ['mail', 'mailer'], ['kept']);
  await millrace('queue tick mail --database jobs');
  await receives(jobs, ['mail', 'sleeper'], ['kept']);
  for (const name of ['mailer', 'sleeper']) await millrace(`consumer seek mail ${name} --end --database jobs`);
  await waitFor(
    'the next rotation',
    async () => (await millrace('queue info mail --database jobs')).queue.rotated_at !== rotated_at,
  );
});

test("the log has pgqd's line for each database, and metrics every queue and consumer", async () => {
  const line = (database: string) =>
    new RegExp(
      `\\{ticks: \\d+, maint: \\d+, retry: \\d+\\}.*${database}|${database}.*\\{ticks: \\d+, maint: \\d+, retry: \\d+\\}`,
    );
  for (const database of ['jobs', 'billing'])
    await waitFor(`statistics of ${database}`, () => line(database).test(up.log));
  const { url } = JSON.parse(readFileSync(join(ground.dir, 'host', 'data', 'run', 'ticker.json'), 'utf8'));
  const metrics = await waitFor('metrics', async () => {
    const text = await (await fetch(`${url}/metrics`)).text();
    return text.includes('millrace_consumer_events_per_second') && text;
  });
  expect(metrics).toMatch(/millrace_queue_tick_age_seconds\{[^}]*database="billing"[^}]*queue="bills"/);
  expect(metrics).toMatch(/millrace_consumer_pending_events\{[^}]*queue="mail"[^}]*consumer="mailer"/);
  const admin = JSON.parse(readFileSync(join(ground.dir, 'host', 'data', 'run', 'admin.json'), 'utf8')).url;
  const listed = (await (await fetch(`${admin}/api/v1/queue/list?all=true`)).json()) as { queues: { name: string }[] };
  expect(listed.queues.map(({ name }) => name)).toEqual(['external', 'mail', 'new', 'bills']);
  const token = readFileSync(join(ground.dir, 'host', 'data', 'run', 'admin.token'), 'utf8').trim();
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const post = { method: 'POST', headers };
  const body = JSON.stringify({ queue: 'new', type: 't', data: 'd'.repeat(50_000), database: 'jobs' });
  const inserted = await fetch(`${admin}/api/v1/events/insert`, { ...post, body });
  expect([inserted.status, await inserted.json()]).toMatchObject([200, { queue: 'new', ids: [2] }]);
  const dropped = await fetch(`${admin}/api/v1/queue/drop`, { ...post, body: '{"queue":"new","database":"jobs"}' });
  expect(dropped.status).toBe(400);
  expect(await (await fetch(`${admin}/status`)).json()).toMatchObject({ ok: true, bus: { state: 'not-configured' } });
});

test('every command and every statement of the document works, in its order', { timeout: 300_000 }, async () => {
  const text = readFileSync(join(projectRoot, 'docs', 'queues.md'), 'utf8');
  const commands = text.match(/(?<=^millrace ).*$/gm) ?? [];
  for (const command of commands.filter((one) => !/^run /.test(one))) await millrace(command);
  const [, sql = ''] = /```sql\n([\s\S]*?)```/.exec(text) ?? [];
  await jobs.run("SELECT setval('pgq.batch_id_seq', 1, false)").catch(() => {});
  let batch: string | undefined;
  for (const statement of sql
    .split('\n')
    .map((one) => one.replace(/ *--.*$/, ''))
    .filter((one) => one !== '')) {
    // Batches of this database are counted through.
    const filled = batch === undefined ? statement : statement.replace(/\((1)([,)])/, `(${batch}$2`);
    const [row] = await jobs.rows(filled);
    if (statement.includes('insert_event')) await millrace('queue tick jobs', { file: onlyJobs });
    if (statement.includes('next_batch')) batch = String(row?.['next_batch']);
  }
  expect(await millrace('events retry jobs mailer', { file: onlyJobs })).toMatchObject({ waiting: [{ id: 1 }] });
  await typeTables(text);
  const { queues } = await millrace('queue list', { file: onlyJobs });
  expect(queues.map(({ name }: { name: string }) => name)).not.toContain('jobs');
});

/** The commands of the tables; what takes something away comes last. */
async function typeTables(text: string): Promise<void> {
  const rows = text.split('\n').filter((line) => line.startsWith('| '));
  const listed = rows.flatMap((line) => [...line.matchAll(/`millrace ([^`]+)`/g)].map((match) => match[1] ?? ''));
  const takes = (verb: string) => listed.filter((one) => one.startsWith(verb));
  const last = [...takes('consumer unregister'), ...takes('queue drop').toReversed()];
  expect(listed.length).toBeGreaterThan(20);
  const now = new Date().toISOString();
  for (const one of [...listed.filter((each) => !last.includes(each)), ...last]) {
    const bounded =
      one === 'queue top' ? 'queue top --count 2 --every 100ms' : one.replace(/--time '[^']*'/, `--time '${now}'`);
    const input = one.includes('--stdin') ? '{"type": "mail", "data": {"to": "b@example.com"}}\n' : '';
    await millrace(bounded, { file: onlyJobs, input });
  }
}

// The classic guide's commands in its order, from two empty clusters: what people who met pgq and londiste learned to type.

import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type EmbeddedPostgres, startPostgres } from '@millrace/embedded';
import { waitFor } from '@millrace/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { differences } from '../harness/checksum.ts';
import { type CommandResult, runCommand } from '../harness/command-line.ts';
import { Database } from '../harness/database.ts';
import { projectRoot } from '../harness/standing.ts';

const dir = join(projectRoot, '.tools', 'test-runs', `classic-${process.pid}-${randomBytes(3).toString('hex')}`);
const work = join(dir, 'work');
const daemons = ['ticker.ini', 'replica.ini', 'second.ini', 'other.ini', 'standby.ini', 'late.ini'];

let servers: EmbeddedPostgres[] = [];
let master: Database;
let slave: Database;
let second: Database;

async function emptyDatabase(server: EmbeddedPostgres, name: string): Promise<Database> {
  const root = new Database(server.url);
  // An ordinary role that owns its database; the one right beyond that lets the slave apply without its triggers.
  await root.run(`DO $$ BEGIN CREATE ROLE chry LOGIN CREATEROLE; EXCEPTION WHEN duplicate_object THEN NULL; END $$`);
  await root.run('GRANT SET ON PARAMETER session_replication_role TO chry');
  await root.run(`CREATE DATABASE ${name} OWNER chry TEMPLATE template0`);
  await root.close();
  const url = new URL(server.urlOf(name));
  url.username = 'chry';
  return new Database(url.href);
}

const login = (database: Database): string => {
  const url = new URL(database.url);
  return `dbname=${url.pathname.slice(1)} host=127.0.0.1 port=${url.port} user=chry`;
};

/** The guide's files; only the ports are ours. */
const tickerFile = (job: string, database: Database): string => `[pgqadm]
job_name = ${job}
db = ${login(database)}
# how often to run maintenance [minutes]
maint_delay_min = 1
# how often to check for activity [secs]
loop_delay = 0.1
logfile = %(job_name)s.log
pidfile = %(job_name)s.pid
use_skylog = 0
`;

const replicaFile = (job: string, from: Database, to: Database): string => `[londiste]
job_name = ${job}
provider_db = ${login(from)}
subscriber_db = ${login(to)}
# it will be used as sql ident so no dots/spaces
pgq_queue_name = londiste.write
pidfile = %(job_name)s.pid
logfile = %(job_name)s.log
use_skylog = 0
`;

const write = (name: string, text: string): void => writeFileSync(join(work, name), text);

/** One command line of the guide, in its folder. */
async function attempt(line: string): Promise<CommandResult> {
  const [program = '', ...args] = line.split(' ');
  return runCommand({ file: join(projectRoot, 'bin', program), args, cwd: work, env: process.env, timeoutMs: 90_000 });
}

async function type(line: string): Promise<string> {
  const { code, stdout, stderr } = await attempt(line);
  if (code !== 0) throw new Error(`${line}: exit code ${code}\n${stdout}\n${stderr}\n${logs()}`);
  return stdout;
}

const logs = (): string =>
  readdirSync(work)
    .filter((name) => name.endsWith('.log'))
    .map((name) => `--- ${name}\n${readFileSync(join(work, name), 'utf8').slice(-3_000)}`)
    .join('\n');

/** Waits until a database has the master's rows. */
async function equal(database: Database, from = master): Promise<void> {
  const what = { tables: [{ schema: 'public', name: 'entry' }], sequences: [] };
  await waitFor('the same rows', async () => (await differences(from, database, what)).length === 0).catch(
    (error: unknown) => {
      throw new Error(`${(error as Error).message}\n${logs()}`);
    },
  );
}

const items = async (database: Database): Promise<string> =>
  database.value(`SELECT string_agg(id || '=' || item, ' ' ORDER BY id) FROM entry`);

/** The state of a table as `subscriber tables` shows it. */
async function state(file: string, table: string): Promise<string | undefined> {
  const lines = (await type(`londiste.py ${file} subscriber tables`)).split('\n');
  return lines.map((line) => line.split(/ +/)).find(([name]) => name === table)?.[1];
}

const inState = (file: string, wanted: string, table = 'public.entry') =>
  waitFor(`${table} ${wanted}`, async () => (await state(file, table)) === wanted, { timeoutMs: 30_000, everyMs: 200 });

// Daemons in the background do not end with us by themselves.
process.once('exit', () => {
  for (const name of existsSync(work) ? readdirSync(work) : []) {
    if (!name.endsWith('.pid')) continue;
    try {
      process.kill(Number(readFileSync(join(work, name), 'utf8')), 'SIGKILL');
    } catch {
      // It has ended.
    }
  }
});

beforeAll(async () => {
  mkdirSync(work, { recursive: true });
  const settings = { fsync: 'off', full_page_writes: 'off' };
  servers = await Promise.all([
    startPostgres({ dir: join(dir, 'master'), major: 15, settings }),
    startPostgres({ dir: join(dir, 'slave'), major: 18, settings }),
  ]);
  const [at, to] = servers as [EmbeddedPostgres, EmbeddedPostgres];
  master = await emptyDatabase(at, 'foo');
  slave = await emptyDatabase(to, 'foo');
  second = await emptyDatabase(to, 'bar');
  write('ticker.ini', tickerFile('ticker', master));
  write('replica.ini', replicaFile('lmaster_to_slave', master, slave));
  write('second.ini', replicaFile('lmaster.to.second', master, second));
});

afterAll(async () => {
  for (const file of daemons) {
    const program = /ticker|other|standby/.test(file) ? 'pgqadm.py' : 'londiste.py';
    if (existsSync(join(work, file))) await attempt(`${program} ${file} -k`).catch(() => {});
  }
  await Promise.all([master, slave, second].map((database) => database?.close()));
  await Promise.all(servers.map((server) => server.kill('SIGKILL')));
  await Promise.all(servers.map((server) => server.stop()));
  if (process.env['MILLRACE_KEEP'] === undefined) rmSync(dir, { recursive: true, force: true });
});

test('the commands of the guide, in its order, start everything from two empty clusters', async () => {
  await type('pgqadm.py ticker.ini ticker -d');
  await type('londiste.py replica.ini provider install');
  await type('londiste.py replica.ini subscriber install');
  await type('londiste.py replica.ini replay -d');
  expect(readFileSync(join(work, 'ticker.pid'), 'utf8')).toMatch(/^\d+\n$/);
  expect(existsSync(join(work, 'lmaster_to_slave.pid'))).toBe(true);

  const table = 'CREATE TABLE entry (id serial PRIMARY KEY, item text)';
  await master.run(table);
  await slave.run(table);
  await master.run("INSERT INTO entry (item) VALUES ('before')");
  await slave.run("INSERT INTO entry VALUES (77, 'of the slave')");

  await type('londiste.py replica.ini provider add entry');
  await type('londiste.py replica.ini provider add-seq entry_id_seq');
  expect(await type('londiste.py replica.ini subscriber missing')).toBe('public.entry\npublic.entry_id_seq\n');
  await type('londiste.py replica.ini subscriber add entry');
  await type('londiste.py replica.ini subscriber add-seq entry_id_seq');

  await equal(slave);
  expect(await items(slave)).toBe('1=before');
  await inState('replica.ini', 'ok');
});

test('rows inserted, updated and deleted at the master arrive, and TRUNCATE does', async () => {
  await master.run("INSERT INTO entry (item) SELECT 'new' FROM generate_series(1, 20)");
  await master.run("UPDATE entry SET item = 'changed' WHERE id = 2");
  await master.run('DELETE FROM entry WHERE id > 5');
  await equal(slave);
  expect(await items(slave)).toBe('1=before 2=changed 3=new 4=new 5=new');
  await master.run('TRUNCATE entry');
  await master.run("INSERT INTO entry (item) VALUES ('after')");
  await equal(slave);
  expect(await slave.value('SELECT count(*) FROM entry')).toBe('1');
});

test("the slave's own changes do not touch the master, and a changed sequence is set again when the master's moves", async () => {
  await slave.run("INSERT INTO entry VALUES (1000, 'only here')");
  await slave.run("SELECT setval('entry_id_seq', 5)");
  await master.run("INSERT INTO entry (item) VALUES ('moves the sequence')");
  const last = await master.value('SELECT last_value FROM entry_id_seq');
  await waitFor('the sequence', async () => (await slave.value('SELECT last_value FROM entry_id_seq')) === last);
  expect(await master.value('SELECT count(*) FROM entry WHERE id = 1000')).toBe('0');
  expect(await slave.value('SELECT count(*) FROM entry WHERE id = 1000')).toBe('1');
});

test('compare exits with 1 and names the key when the sides differ, and repair makes them equal', async () => {
  const different = await attempt('londiste.py replica.ini compare');
  expect(different.code).toBe(1);
  expect(different.stdout).toContain('1000');
  expect(await type('londiste.py replica.ini repair entry')).toContain('DELETE FROM');
  await type('londiste.py replica.ini repair entry --apply');
  expect(await slave.value('SELECT count(*) FROM entry WHERE id = 1000')).toBe('0');
  expect(await type('londiste.py replica.ini compare entry')).toContain('public.entry');
});

test('resync -v --force brings the rows of the master back to a slave whose rows were spoiled', async () => {
  await slave.run("UPDATE entry SET item = 'spoiled'; INSERT INTO entry VALUES (2000, 'spoiled')");
  await type('londiste.py replica.ini subscriber resync -v --force');
  await equal(slave);
  await inState('replica.ini', 'ok');
});

test.each([['-s'], ['-k']])('a slave stopped with %s catches up when it is started again', async (how) => {
  await type(`londiste.py replica.ini ${how}`);
  expect(existsSync(join(work, 'lmaster_to_slave.pid'))).toBe(false);
  const before = await slave.value('SELECT count(*) FROM entry');
  await master.run("INSERT INTO entry (item) SELECT 'meanwhile' FROM generate_series(1, 10)");
  expect(await slave.value('SELECT count(*) FROM entry')).toBe(before);
  await type('londiste.py replica.ini replay -d');
  const again = await attempt('londiste.py replica.ini replay -d');
  expect(again.code).toBe(1);
  expect(again.stderr).toMatch(/^londiste: it is running already, as process \d+ \(.*lmaster_to_slave\.pid\)\n$/);
  await equal(slave);
});

test('the provider side stopped and started again goes on, and the slave finds the bus', async () => {
  await type('pgqadm.py ticker.ini ticker -s');
  await master.run("INSERT INTO entry (item) VALUES ('no ticker')");
  await type('pgqadm.py ticker.ini ticker -d');
  await equal(slave);
  write('ticker.ini', tickerFile('ticker', master).replace('loop_delay = 0.1', 'loop_delay = 0.2'));
  await type('pgqadm.py ticker.ini -r');
  await waitFor('the new file', () => /starting again/.test(readFileSync(join(work, 'ticker.log'), 'utf8')));
  await master.run("INSERT INTO entry (item) VALUES ('read again')");
  await equal(slave);
});

test('what cannot be done is one line that names it, and exit code 1', async () => {
  await master.run('CREATE TABLE heap (v text)');
  const refused = await attempt('londiste.py replica.ini provider add heap');
  expect(refused).toMatchObject({ code: 1, stdout: '' });
  expect(refused.stderr).toMatch(/^londiste: public\.heap cannot be replicated: .*key.*\n$/);
  const unknown = await attempt('londiste.py replica.ini subscriber add heap');
  expect(unknown.stderr.trim().split('\n').at(-1)).toMatch(/^londiste: public\.heap: not in the set/);
  expect((await attempt('londiste.py replica.ini subscriber dance')).stderr).toMatch(
    /^londiste: unknown command "subscriber dance"/,
  );
  const lines = () => master.value('SELECT count(*) FROM millrace.audit');
  const before = await lines();
  for (const wrong of ['provider add', 'subscriber add a.b.c', 'subscriber resync', 'provider remove-seq .']) {
    expect((await attempt(`londiste.py replica.ini ${wrong}`)).code, wrong).toBe(1);
  }
  expect(await lines(), 'wrong usage asks nobody and is no news').toBe(before);
  const dropped = await attempt('pgqadm.py ticker.ini drop londiste.write');
  expect(dropped.code).toBe(1);
  expect(dropped.stderr).toMatch(/^pgqadm: queue londiste\.write has consumers: lmaster_to_slave; .*--force\n$/);
});

test('a second slave with a file of its own works beside the first', async () => {
  await second.run('CREATE TABLE entry (id serial PRIMARY KEY, item text)');
  await type('londiste.py second.ini replay -d');
  const twice = ['londiste.py second.ini subscriber add --all', 'londiste.py second.ini subscriber add entry'];
  await Promise.all(twice.map(type));
  await equal(second);
  await master.run("UPDATE entry SET item = item || '!'");
  await Promise.all([equal(slave), equal(second)]);
  const status = await type('pgqadm.py ticker.ini status');
  expect(status).toMatch(/^Postgres version: 15/);
  expect(status).toMatch(/\nlondiste\.write +3\/10m +/);
  expect(status).toMatch(/\nlondiste\.write:\n {4}lmaster_to_second-[0-9a-f]{6} +.*\n {4}lmaster_to_slave +/);
  const refused = await attempt('londiste.py replica.ini provider remove entry');
  expect(refused.stderr.trim().split('\n').at(-1)).toMatch(
    /^londiste: subscriber lmaster_to_second-[0-9a-f]{6} follows public\.entry .*; run `subscriber remove public\.entry` where it can be reached first$/,
  );
  await type('londiste.py second.ini subscriber unregister');
  await type('londiste.py second.ini replay -s');
  expect(await type('pgqadm.py ticker.ini status')).not.toContain('second');
});

test('queues of PgQ are made, configured, consumed and dropped beside', async () => {
  await type('pgqadm.py ticker.ini create mail');
  await type('pgqadm.py ticker.ini create mail');
  await type('pgqadm.py ticker.ini register mail sender');
  await type('pgqadm.py ticker.ini config mail ticker_max_count=50 queue_rotation_period=1h');
  expect(await type('pgqadm.py ticker.ini config mail')).toMatch(
    /^mail\n {4}ticker_max_count {4}= 50\n[\s\S]*rotation_period {5}= 01:00:00\n$/,
  );
  await master.run("SELECT pgq.insert_event('mail', 'welcome', 'to=you')");
  await waitFor('the event', async () => {
    const batch = await master.value<string | null>("SELECT pgq.next_batch('mail', 'sender')");
    if (batch === null) return false;
    const events = await master.rows('SELECT ev_type FROM pgq.get_batch_events($1)', [batch]);
    await master.run('SELECT pgq.finish_batch($1)', [batch]);
    return events.some((event) => event['ev_type'] === 'welcome');
  });
  expect((await attempt('pgqadm.py ticker.ini drop mail')).code).toBe(1);
  await type('pgqadm.py ticker.ini unregister mail sender');
  await type('pgqadm.py ticker.ini drop mail');
  await type('pgqadm.py ticker.ini drop mail');
  expect((await attempt('pgqadm.py ticker.ini drop mial')).stderr).toMatch(/^pgqadm: there is no queue "mial"/);
});

test('tables leave the slave and the set, and everybody who asked stands in the audit', async () => {
  await type('londiste.py replica.ini subscriber remove entry');
  expect(await type('londiste.py replica.ini provider tables')).toBe('public.entry\n');
  await type('londiste.py replica.ini subscriber add entry --expect-sync');
  await type('londiste.py replica.ini provider remove entry');
  await type('londiste.py replica.ini provider remove-seq entry_id_seq');
  expect(await type('londiste.py replica.ini provider tables')).toBe('');
  expect(await type('londiste.py replica.ini provider seqs')).toBe('');
  expect(await type('londiste.py replica.ini subscriber tables')).toBe('');
  await type('londiste.py replica.ini subscriber unregister');
  const audit = await master.rows(
    "SELECT what || ' ' || arguments AS line FROM millrace.audit WHERE actor IS NOT NULL AND outcome = 'done'",
  );
  const lines = audit.map((row) => row['line']);
  for (const line of ['subscriber add --all', 'subscriber resync --force', 'provider remove entry']) {
    expect(lines).toContain(`londiste ${line}`);
  }
  expect(lines).toContain('pgqadm unregister mail sender');
});

test('the secret of the bus is for its own account and for the role that owns the schemas', async () => {
  const url = await master.value<string>('SELECT url FROM millrace.bus_address');
  expect(url).toMatch(/^nats:\/\/[0-9a-f]{48}@127\.0\.0\.1:\d+$/);
  expect(await master.value("SELECT has_table_privilege('millrace_app', 'millrace.bus_address', 'SELECT')")).toBe(
    false,
  );
  expect(await master.value("SELECT has_table_privilege('millrace_owner', 'millrace.bus_address', 'SELECT')")).toBe(
    true,
  );
  expect(logs()).not.toContain(url.slice(7, 55));
  const file = join(work, '.millrace', 'classic', 'lmaster_to_slave', 'millrace.yaml');
  expect(statSync(file).mode & 0o077).toBe(0);
});

test('in any other order it works as well, and a standby of the ticker takes over with a bus of its own', async () => {
  const [at, to] = servers as [EmbeddedPostgres, EmbeddedPostgres];
  const from = await emptyDatabase(at, 'late_master');
  const onto = await emptyDatabase(to, 'late_slave');
  write('late.ini', replicaFile('late', from, onto));
  write('other.ini', tickerFile('other', from));
  write('standby.ini', tickerFile('standby', from));
  for (const database of [from, onto]) await database.run('CREATE TABLE entry (id serial PRIMARY KEY, item text)');
  await from.run("INSERT INTO entry (item) VALUES ('early')");
  await type('londiste.py late.ini replay -d');
  await type('londiste.py late.ini provider add entry');
  await type('londiste.py late.ini subscriber add entry');
  await type('pgqadm.py other.ini ticker -d');
  await equal(onto, from);
  await type('pgqadm.py standby.ini ticker -d');
  await waitFor('the standby', () => /on standby/.test(readFileSync(join(work, 'standby.log'), 'utf8')));
  const before = await from.value('SELECT url FROM millrace.bus_address');
  process.kill(Number(readFileSync(join(work, 'other.pid'), 'utf8')), 'SIGKILL');
  await from.run("INSERT INTO entry (item) VALUES ('with the standby')");
  await equal(onto, from);
  expect(await from.value('SELECT url FROM millrace.bus_address')).not.toBe(before);
  for (const line of ['londiste.py late.ini -s', 'pgqadm.py standby.ini -s', 'pgqadm.py other.ini -s'])
    await type(line);
  await Promise.all([from, onto].map((database) => database.close()));
});

// `up` with nothing but an empty folder: servers, bus, services, and their end.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { connectBus } from '@millrace/bus';
import { loadConfig } from '@millrace/config';
import { postgresTool } from '@millrace/embedded/testing';
import { projectRoot, startEmbedded } from '@millrace/host';
import { eventually, makeScratchDir, query } from '@millrace/testkit';
import { expect, onTestFinished, test } from 'vitest';

const launcher = join(projectRoot, 'bin', 'millrace');

interface Up {
  readonly process: ChildProcess;
  readonly ended: Promise<number | string | null>;
  stdout: string;
  stderr: string;
}

function environment(): NodeJS.ProcessEnv {
  const { MILLRACE_CONFIG: _unused, ...own } = process.env;
  return own;
}

function startUp(cwd: string, ...args: string[]): Up {
  const child = spawn(launcher, ['up', ...args], { cwd, env: environment(), stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise<number | string | null>((resolve) =>
    child.once('exit', (code, signal) => resolve(code ?? signal)),
  );
  const up: Up = { process: child, ended, stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (up.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (up.stderr += text));
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  return up;
}

async function ready(up: Up): Promise<void> {
  await eventually(() => up.stdout === 'ready\n' || up.process.exitCode !== null, { timeoutMs: 90_000, what: 'ready' });
  if (up.stdout !== 'ready\n') throw new Error(up.stderr);
}

function millrace(cwd: string, ...args: string[]): string {
  return execFileSync(launcher, args, { cwd, env: environment(), encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** The URLs in the configuration that `up` wrote. */
function urlsIn(cwd: string): { provider: string; one: string } {
  const config = loadConfig({ flag: join(cwd, '.millrace', 'millrace.yaml') });
  return { provider: config.provider?.url ?? '', one: config.subscribers['one']?.url ?? '' };
}

/** Processes whose command line names the folder. */
function processesIn(dir: string): number[] {
  const lines = execFileSync('ps', ['-A', '-ww', '-o', 'pid=,stat=,args='], { encoding: 'utf8' }).split('\n');
  return lines
    .filter((line) => line.includes(dir) && !/^\s*\d+\s+Z/.test(line))
    .map((line) => Number.parseInt(line, 10));
}

function servicePid(cwd: string, file: string): number {
  return (JSON.parse(readFileSync(join(cwd, '.millrace', 'run', file), 'utf8')) as { pid: number }).pid;
}

test('an empty folder becomes a provider with two subscribers that replicate, until SIGTERM; the data is there next time', async () => {
  const cwd = makeScratchDir('up');
  const first = startUp(cwd);
  await ready(first);
  const { provider: url, one } = urlsIn(cwd);
  await query(url, "CREATE TABLE entry (id serial PRIMARY KEY, item text); INSERT INTO entry (item) VALUES ('a')");
  millrace(cwd, 'add', 'entry', '--create');
  millrace(cwd, 'add-seq', 'entry_id_seq');
  await query(url, "INSERT INTO entry (item) VALUES ('b')");
  millrace(cwd, 'wait', '--timeout', '60s');
  expect(await query(one, 'SELECT id, item FROM entry ORDER BY id')).toEqual([
    { id: 1, item: 'a' },
    { id: 2, item: 'b' },
  ]);
  expect(JSON.parse(millrace(cwd, 'status', '--json'))).toMatchObject({ ok: true, queue: 'main' });

  const second = startUp(cwd);
  expect(await second.ended).toBe(1);
  expect(second.stderr).toMatch(/is already running from .*, by process \d+/);

  // A service that is killed is started again.
  const killed = servicePid(cwd, 'capture.json');
  process.kill(killed, 'SIGKILL');
  await eventually(() => servicePid(cwd, 'capture.json') !== killed, { what: 'a new capture' });
  await query(url, "INSERT INTO entry (item) VALUES ('c')");
  millrace(cwd, 'wait', '--timeout', '60s');

  first.process.kill('SIGTERM');
  expect(await first.ended).toBe(0);
  expect(first.stdout).toBe('ready\n');
  expect(processesIn(cwd)).toEqual([]);

  const again = startUp(cwd);
  await ready(again);
  millrace(cwd, 'wait', '--timeout', '60s');
  expect(await query(urlsIn(cwd).one, 'SELECT count(*)::int AS n FROM entry')).toEqual([{ n: 3 }]);
  again.process.kill('SIGINT');
  expect(await again.ended).toBe(0);
});

/** Files in the folder that everybody may read, as text; the servers' own data is closed. */
function readableByAll(dir: string): string[] {
  const files = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => (statSync(file).mode & 0o044) !== 0 && !/\/(data|jetstream)\//.test(file))
    .map((file) => readFileSync(file, 'utf8'));
}

test('nobody connects without the secrets, which only files of our own account hold; the psql line that is shown works', async () => {
  const cwd = makeScratchDir('up it');
  const up = startUp(cwd);
  await ready(up);
  const { provider } = urlsIn(cwd);
  const password = /:([0-9a-f]{48})@/.exec(provider)?.[1] ?? 'none';
  await expect(query(provider.replace(`:${password}`, ''), 'SELECT 1')).rejects.toThrow(/password/);
  const bus = readFileSync(join(cwd, '.millrace', 'run', 'nats.url'), 'utf8').trim();
  const token = /\/\/([0-9a-f]{48})@/.exec(bus)?.[1] ?? 'none';
  await expect(connectBus(bus.replace(`${token}@`, ''), { name: 'test' })).rejects.toMatchObject({
    code: 'bus-refused',
  });
  for (const secret of [password, token]) {
    expect(secret).not.toBe('none');
    expect(up.stderr).not.toContain(secret);
    expect(execFileSync('ps', ['-A', '-ww', '-o', 'args='], { encoding: 'utf8' })).not.toContain(secret);
    expect(readableByAll(join(cwd, '.millrace')).filter((text) => text.includes(secret))).toEqual([]);
  }
  const psql = postgresTool('psql');
  const line = /provider\s+(PGPASSFILE=.+)/.exec(up.stderr)?.[1] ?? '';
  expect(line).toMatch(/ psql postgresql:\/\/postgres@127\.0\.0\.1:\d+\/shop$/);
  if (psql === undefined) return;
  const shell = `${line.replace(' psql ', ` '${psql}' -w -Atc 'SELECT 6 * 7' `)}`;
  expect(execFileSync('sh', ['-c', shell], { encoding: 'utf8' }).trim()).toBe('42');
});

test('nothing outlives a supervisor that is killed, and the next one takes over', async () => {
  const cwd = makeScratchDir('up');
  const first = startUp(cwd);
  await ready(first);
  expect(processesIn(cwd).length).toBeGreaterThan(8);
  first.process.kill('SIGKILL');
  await first.ended;
  await eventually(() => processesIn(cwd).length === 0, { what: 'the end of all processes', timeoutMs: 30_000 });
  const next = startUp(cwd);
  await ready(next);
  next.process.kill('SIGTERM');
  expect(await next.ended).toBe(0);
});

test('parts run apart, the first one with the bus for all; one that runs already or is not there is refused', async () => {
  const cwd = makeScratchDir('up');
  const servers = await startEmbedded(join(cwd, '.millrace'));
  onTestFinished(() => servers.stop());
  const source = startUp(cwd, '--only', 'ticker,capture');
  const sink = startUp(cwd, '--only', 'replay:one,replay:two');
  await Promise.all([ready(source), ready(sink)]);
  expect(JSON.parse(millrace(cwd, 'status', '--json'))).toMatchObject({ ok: true });
  const standby = startUp(cwd, '--only', 'ticker');
  expect(await standby.ended).toBe(1);
  expect(standby.stderr).toMatch(/ticker is already running from/);
  const wrong = startUp(cwd, '--only', 'replay:asia');
  expect(await wrong.ended).toBe(2);
  expect(wrong.stderr).toMatch(/there is no part "replay:asia" here; parts are nats, ticker, capture, replay:one/);
  for (const up of [sink, source]) {
    up.process.kill('SIGTERM');
    expect(await up.ended).toBe(0);
  }
});

// The ticker as operators run it: a process with a configuration file, signals and a health endpoint.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createDatabase, eventually, makeScratchDir, query } from '@millrace/testkit';
import { expect, onTestFinished, test } from 'vitest';

const main = fileURLToPath(new URL('./main.ts', import.meta.url));

// Answers every question, ticks never.
const stub = `
  CREATE SCHEMA millrace; CREATE SCHEMA pgq;
  CREATE TABLE millrace.service_report (queue text, service text, instance text, state text, error_code text,
    error_message text, reported_at timestamptz, PRIMARY KEY (queue, service));
  CREATE FUNCTION millrace.last_tick(q text) RETURNS TABLE (tick bigint, fingerprint text, tick_time timestamptz)
    LANGUAGE sql AS $$ SELECT 1::bigint, repeat('0', 32), now() $$;
  CREATE FUNCTION millrace.tick(q text) RETURNS TABLE (tick bigint, fingerprint text, tick_time timestamptz, new_events bigint)
    LANGUAGE plpgsql AS 'BEGIN RETURN; END';
  CREATE FUNCTION millrace.report_service(q text, service text, instance text, state text, code text, message text) RETURNS void
    LANGUAGE sql AS $$ INSERT INTO millrace.service_report VALUES ($1, $2, $3, $4, $5, $6, now()) ON CONFLICT ON CONSTRAINT service_report_pkey
      DO UPDATE SET instance = $3, state = $4, error_code = $5, error_message = $6, reported_at = now() $$;
  CREATE TABLE pgq.queue (queue_id int, queue_name text, queue_switch_time timestamptz, queue_external_ticker boolean, queue_ticker_paused boolean);
  CREATE TABLE pgq.tick (tick_queue int, tick_id bigint, tick_time timestamptz, tick_event_seq bigint);
  CREATE FUNCTION pgq.get_queue_info() RETURNS TABLE (queue_name text, queue_ntables int, queue_cur_table int, queue_rotation_period interval,
    queue_switch_time timestamptz, queue_external_ticker boolean, queue_ticker_paused boolean, queue_ticker_max_count int,
    queue_ticker_max_lag interval, queue_ticker_idle_period interval, ticker_lag interval, ev_per_sec float8, ev_new bigint,
    last_tick_id bigint) LANGUAGE plpgsql AS 'BEGIN RETURN; END';
  CREATE FUNCTION pgq.get_consumer_info() RETURNS TABLE (queue_name text, consumer_name text, lag interval, last_seen interval,
    last_tick bigint, current_batch bigint, next_tick bigint, pending_events bigint) LANGUAGE plpgsql AS 'BEGIN RETURN; END';
  CREATE FUNCTION pgq.maint_retry_events() RETURNS int LANGUAGE sql AS 'SELECT 0';
  CREATE FUNCTION pgq.maint_operations() RETURNS TABLE (func_name text, func_arg text) LANGUAGE plpgsql AS 'BEGIN RETURN; END';
  CREATE FUNCTION millrace.refresh_triggers(q text) RETURNS TABLE (schema_name text, table_name text, action text, problem text)
    LANGUAGE plpgsql AS 'BEGIN RETURN; END';
`;

function configFile(providerUrl: string, more = ''): string {
  const file = join(makeScratchDir('ticker'), 'millrace.yaml');
  writeFileSync(file, `queue: shop\nprovider: { url: "${providerUrl}" }\ndata_dir: data\n${more}`);
  return file;
}

function run(...args: string[]) {
  const child = spawn(process.execPath, [main, ...args], { env: { ...process.env, MILLRACE_LOG_LEVEL: 'info' } });
  onTestFinished(() => void child.kill('SIGKILL'));
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (part: Buffer) => {
      text += part.toString();
    });
  }
  const exit = once(child, 'exit').then(([code, signal]) => (code ?? signal) as number | string);
  return { child, exit, output: () => text };
}

async function readyOf(file: string, pid: number | undefined) {
  const { url, pid: writtenBy } = JSON.parse(readFileSync(join(file, '../data/run/ticker.json'), 'utf8'));
  expect(writtenBy).toBe(pid);
  const response = await fetch(`${url}/ready`);
  return { status: response.status, url, ...((await response.json()) as { role: string; reasons: string[] }) };
}

test('the process becomes ready, says so once, shows metrics, and ends with 0 at SIGTERM', async () => {
  const { url } = await createDatabase();
  await query(url, stub);
  const file = configFile(url);
  const { child, exit, output } = run('--config', file);
  const health = await eventually(async () => {
    const report = await readyOf(file, child.pid);
    return report.status === 200 && report;
  });
  expect(health.role).toBe('leader');
  expect(await (await fetch(`${health.url}/metrics`)).text()).toContain('millrace_tick_checks_total');
  await eventually(() => output().includes('"msg":"ready"'));
  child.kill('SIGTERM');
  expect(await exit).toBe(0);
  expect(output().match(/"msg":"ready"/g)).toHaveLength(1);
});

test('a frozen leader loses its lock to the second instance, and stands by when it thaws', async () => {
  const { url } = await createDatabase();
  await query(url, stub);
  const [fileA, fileB] = [configFile(url), configFile(url)];
  const a = run('--config', fileA);
  await eventually(async () => (await readyOf(fileA, a.child.pid)).role === 'leader');
  const b = run('--config', fileB);
  await eventually(async () => (await readyOf(fileB, b.child.pid)).role === 'standby');
  a.child.kill('SIGSTOP');
  await eventually(async () => (await readyOf(fileB, b.child.pid)).role === 'leader', { timeoutMs: 30_000 });
  a.child.kill('SIGCONT');
  await eventually(async () => (await readyOf(fileA, a.child.pid)).role === 'standby');
});

test('a provider that falls silent is noticed, and the ticker works again once it answers', async () => {
  const { url } = await createDatabase();
  await query(url, stub);
  const proxy = await silenceableProxy(new URL(url));
  const file = configFile(proxy.url);
  const { child, exit } = run('--config', file);
  await eventually(async () => (await readyOf(file, child.pid)).status === 200);
  proxy.silence(true);
  await eventually(async () => (await readyOf(file, child.pid)).status === 503, { timeoutMs: 30_000 });
  proxy.silence(false);
  await eventually(async () => (await readyOf(file, child.pid)).status === 200, { timeoutMs: 30_000 });
  proxy.silence(true);
  child.kill('SIGTERM');
  expect(await exit).toBe(0);
});

test('a wrong configuration is one line and exit code 2, and shows no secret', async () => {
  const { exit, output } = run('--config', configFile('postgresql://u:secret@h/d', 'buss: {}'));
  expect(await exit).toBe(2);
  expect(output()).toMatch(/^millrace ticker: .*line 4 has the unknown key buss\n$/);
});

// Passes bytes between a client and the server; when silent, it keeps connections open and passes nothing.
async function silenceableProxy(target: URL) {
  let isSilent = false;
  const sockets = new Set<Socket>();
  const server = createServer((from) => {
    const to = connect(Number(target.port), target.hostname);
    for (const [socket, other] of [
      [from, to],
      [to, from],
    ] as const) {
      sockets.add(socket);
      socket.on('data', (part) => void (isSilent || other.write(part)));
      socket.on('error', () => {});
      socket.on('close', () => other.destroy());
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const url = new URL(target);
  url.hostname = '127.0.0.1';
  url.port = String((server.address() as { port: number }).port);
  return {
    url: url.href,
    silence: (silent: boolean) => {
      isSilent = silent;
    },
  };
}

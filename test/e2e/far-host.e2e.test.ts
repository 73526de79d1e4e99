// A subscriber whose host knows neither the provider nor its credentials, and a provider's host that knows no
// subscriber's database: all they share is the bus.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { type CommandSite, makeSite } from '@millrace/control/testing';
import { projectRoot } from '@millrace/host';
import { eventually, query } from '@millrace/testkit';
import { expect, onTestFinished, test } from 'vitest';

/** Starts `up` for a host and waits for its line. */
async function up(site: CommandSite): Promise<void> {
  const args = ['--config', site.config.file, 'up'];
  const child = spawn(join(projectRoot, 'bin', 'millrace'), args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  onTestFinished(async () => {
    child.kill('SIGTERM');
    await ended;
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  await eventually(() => stdout === 'ready\n', { timeoutMs: 60_000, what: 'ready' }).catch((error: unknown) => {
    throw new Error(`${(error as Error).message}\n${stderr}`);
  });
}

test('two hosts that share only the bus replicate, and each can be asked about its part', async () => {
  const site = await makeSite({ names: ['eu'] });
  const near = site.host({ provider: true, withUrl: [], without: ['eu'] });
  const far = site.host({ provider: false, withUrl: ['eu'] });
  const eu = site.subscribers['eu'] ?? '';
  await site.everywhere('CREATE TABLE entry (id serial PRIMARY KEY, item text)');
  await query(site.provider, "INSERT INTO entry (item) SELECT 'old ' || n FROM generate_series(1, 1000) n");
  // The far side is up first: it waits until the provider's side has registered it.
  await far.do('install');
  await near.do('install');
  await Promise.all([up(near), up(far)]);
  await near.do('add', 'entry');
  await far.do('add', 'entry');
  await near.do('add-seq', 'entry_id_seq');
  await far.do('add-seq', 'entry_id_seq');
  await query(site.provider, "INSERT INTO entry (item) VALUES ('new')");
  await eventually(async () => (await near.run('wait', '--timeout', '20s')).code === 0 || null, { timeoutMs: 40_000 });
  expect(await query(eu, 'SELECT count(*)::int AS n FROM entry')).toEqual([{ n: 1001 }]);
  expect(await query(eu, 'SELECT last_value::int AS n FROM entry_id_seq')).toEqual([{ n: 1001 }]);
  expect((await near.do('status')).document).toMatchObject({
    ok: true,
    subscribers: [{ name: 'eu', state: 'running', tables: [{ name: 'public.entry', state: 'ok' }] }],
  });
  expect((await far.do('status')).document).toMatchObject({
    ok: true,
    provider: { state: 'not-configured' },
    subscribers: [{ name: 'eu', state: 'running' }],
  });
  await far.do('pause', 'eu');
  expect((await far.run('status')).document).toMatchObject({ subscribers: [{ state: 'paused' }] });
  expect((await near.run('pause', 'eu')).error?.message).toMatch(/gives no url/);
  await far.do('resume', 'eu');
  expect((await near.run('remove', 'entry')).error?.message).toMatch(/run `millrace remove public\.entry` where/);
  await far.do('remove', 'entry');
  await eventually(async () => (await near.run('remove', 'entry')).code === 0 || null);
  expect((await near.do('tables')).document).toMatchObject({ tables: [] });
});

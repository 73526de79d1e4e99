// A subscriber is unregistered while everything runs, the provider goes on, and it comes back.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { type CommandSite, makeSite } from '@millrace/control/testing';
import { projectRoot } from '@millrace/host';
import { eventually, query } from '@millrace/testkit';
import { expect, onTestFinished, test } from 'vitest';

async function up(site: CommandSite): Promise<void> {
  const args = ['--config', site.config.file, 'up'];
  const child = spawn(join(projectRoot, 'bin', 'millrace'), args, { stdio: ['ignore', 'pipe', 'ignore'] });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  onTestFinished(async () => {
    child.kill('SIGTERM');
    await ended;
  });
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  await eventually(() => stdout === 'ready\n', { timeoutMs: 90_000, what: 'ready' });
}

const rows = (url: string) => query(url, 'SELECT id, item FROM entry ORDER BY id');

interface Shown {
  readonly subscribers: readonly { readonly name: string; readonly state: string }[];
}

async function stateOf(site: CommandSite, name: string): Promise<string | undefined> {
  const { document } = await site.run('status');
  return (document as Shown).subscribers.find((one) => one.name === name)?.state;
}

test('what happened while it was away does not come as events, and a new copy makes its table equal', async () => {
  const site = await makeSite();
  const eu = site.subscribers['eu'] ?? '';
  const us = site.subscribers['us'] ?? '';
  await site.everywhere('CREATE TABLE entry (id int PRIMARY KEY, item text)');
  await query(site.provider, "INSERT INTO entry SELECT n, 'old' FROM generate_series(1, 5) n");
  await up(site);
  await site.do('add', 'entry');
  await site.do('wait', '--timeout', '60s');
  const asItWas = await rows(eu);
  expect(asItWas).toHaveLength(5);

  await site.do('unregister', 'eu', '--yes');
  await query(site.provider, "DELETE FROM entry WHERE id = 1; UPDATE entry SET item = 'new' WHERE id = 2");
  await query(site.provider, "INSERT INTO entry VALUES (6, 'new')");
  await site.do('wait', '--timeout', '60s', '--subscriber', 'us');
  expect(await stateOf(site, 'eu')).toBe('stopped');
  expect(await stateOf(site, 'us')).toBe('running');

  await site.do('install');
  await query(site.provider, "UPDATE entry SET item = 'newer' WHERE id = 3");
  await site.do('wait', '--timeout', '60s');
  expect(await rows(eu)).toEqual(asItWas);
  expect(await rows(us)).toEqual(await rows(site.provider));

  await site.do('add', 'entry');
  await query(site.provider, "UPDATE entry SET item = 'newest' WHERE id = 4");
  await site.do('wait', '--timeout', '60s');
  expect(await rows(eu)).toEqual(await rows(site.provider));
  expect(await stateOf(site, 'eu')).toBe('running');
});

// `npm run demo`: a provider and two subscribers, live traffic, tables added while it runs. With --once it ends after
// about 15 s, compares all sides and says so by its exit code.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Config, loadConfig } from '@millrace/config';
import type { Context } from '@millrace/control';
import { alignColumns, controlCommands, localActor, parseArguments } from '@millrace/control';
import { allParts } from '@millrace/control/parts';
import { runCommand } from '@millrace/control/run';
import { codes, MillraceError, toMillraceError } from '@millrace/errors';
import {
  type EmbeddedDefault,
  projectRoot,
  replicationWorks,
  Supervisor,
  startEmbedded,
  takeLock,
} from '@millrace/host';
import { listenForEnd } from '@millrace/lifecycle/ending';
import { pause } from '@millrace/lifecycle/pause';
import { inSession } from '@millrace/postgres';
import { compareByChecksum } from './compare.ts';
import { clearDemoDirectory } from './directory.ts';
import { sqlText } from './sql-text.ts';
import { Traffic } from './traffic.ts';
import { View } from './view.ts';

const dir = join(projectRoot, '.millrace', 'demo');
const tables = ['entry', 'shop.customer', 'shop.product', 'shop.orders', 'shop.order_item'];
const sessions = 3;
const onceMs = 15_000;

/** What has been started, in order; it is stopped in reverse order however the demo ends. */
const running: (() => Promise<void> | void)[] = [];
const beganAt = performance.now();
const ending = listenForEnd({
  signals: ['SIGINT', 'SIGTERM', 'SIGHUP'],
  onLater: () => process.exit(130),
});

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function main(args: readonly string[]): Promise<number> {
  const unknown = args.find((arg) => arg !== '--once' && arg !== '--');
  if (unknown !== undefined)
    throw new MillraceError(codes.USAGE, `unexpected ${JSON.stringify(unknown)}`, {
      advice: 'usage: npm run demo [-- --once]',
    });
  running.push(takeLock(join(projectRoot, '.millrace'), 'demo'));
  await clearDemoDirectory(dir);
  say('starting a provider and two subscribers (PostgreSQL), nats-server and the services …');
  const embedded = await startEmbedded(dir);
  running.push(() => embedded.stop());
  const config = loadConfig({ flag: embedded.configFile });
  if (!(await startServices(config))) return 0;
  const traffic = await startTraffic(embedded);
  const view = new View({ config, ...embedded, transactions: () => traffic.transactions, beganAt });
  view.start();
  running.push(() => view.stop());
  await command('add', [...tables, '--create']);
  await command('add-seq', ['entry_id_seq']);
  if (!args.includes('--once')) {
    await ended();
    return 0;
  }
  await ended(Math.max(3_000, onceMs - (performance.now() - beganAt)));
  if (ending.signal.aborted) return 130;
  await view.stop();
  await traffic.stop();
  return judge(embedded, traffic.transactions);
}

async function startServices(config: Config): Promise<boolean> {
  const parts = allParts(config);
  const supervisor = new Supervisor({ config, parts, say: (line) => say(line), quiet: true });
  running.push(() => supervisor.stop());
  await supervisor.start();
  return replicationWorks(config, { parts, signal: ending.signal, say });
}

async function startTraffic({ urls }: EmbeddedDefault): Promise<Traffic> {
  const url = urls['provider'] ?? '';
  const schema = await sqlText('schema');
  await inSession(url, { applicationName: 'demo' }, async (client) => void (await client.query(schema)));
  const traffic = new Traffic(url);
  traffic.start(sessions);
  running.push(() => traffic.stop());
  say(
    `replication works after ${((performance.now() - beganAt) / 1_000).toFixed(1)} s; traffic begins, and the tables are added while it runs`,
  );
  return traffic;
}

/** Runs a command of Millrace as an operator would. */
async function command(name: string, words: readonly string[]): Promise<void> {
  const found = await controlCommands.load(name);
  say(`$ millrace ${name} ${words.join(' ')}`);
  const configFile = join(dir, 'millrace.yaml');
  const context: Context = {
    configFile,
    json: false,
    actor: localActor(),
    ask: undefined,
    config: async () => loadConfig({ flag: configFile }),
    note: say,
    result: () => {},
  };
  await runCommand(found, context, parseArguments(found, words));
}

/** All sides must be equal once everything has arrived. */
async function judge({ urls }: EmbeddedDefault, transactions: number): Promise<number> {
  await command('wait', ['--timeout', '60s']);
  const compared = await compareByChecksum(urls);
  const sides = Object.keys(urls);
  const rows = compared.map(({ name, rows: counts, different }) => [
    name,
    ...sides.map((side) => counts[side] ?? '-'),
    different.length === 0 ? 'equal' : `DIFFERS at ${different.join(', ')}`,
  ]);
  say('');
  say(alignColumns([['ROWS, BY CHECKSUM', ...sides, ''], ...rows]));
  const isEqual = compared.length > 0 && compared.every(({ different }) => different.length === 0);
  say('');
  say(
    `${transactions.toLocaleString('en-US')} transactions while five tables were copied and followed: ${isEqual ? 'all sides are equal' : 'NOT equal'}`,
  );
  return isEqual ? 0 : 1;
}

/** Resolves after a time, or when a signal requests the end. */
async function ended(afterMs?: number): Promise<void> {
  const { signal } = ending;
  if (afterMs !== undefined) return pause(afterMs, { signal });
  while (!signal.aborted) await pause(60_000, { signal });
}

/** The data goes when all was well; after a failure it stays for inspection. */
async function cleanUp(isWell: boolean): Promise<void> {
  for (const stop of running.toReversed())
    await Promise.resolve(stop()).catch((error: unknown) => say(toMillraceError(error).message));
  if (isWell) rmSync(dir, { recursive: true, force: true });
  else say(`logs are in ${join(dir, 'log')}`);
}

process.stdout.on('error', () => {});

let code = 1;
try {
  code = await main(process.argv.slice(2));
} catch (error) {
  const { sentence, code: kind } = toMillraceError(error);
  for (const line of sentence.split('\n')) process.stderr.write(`demo: ${line}\n`);
  code = kind === codes.USAGE ? 2 : 1;
}
await cleanUp(code !== 1);
process.exit(code);

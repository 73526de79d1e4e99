import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { waitFor } from '@millrace/testkit';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { Ground } from '../harness/ground.ts';
import { isEqual, judge, type Question } from '../harness/oracle.ts';
import { Random } from '../harness/random.ts';
import type { Site } from '../harness/site.ts';
import { projectRoot } from '../harness/standing.ts';
import { Watcher } from '../harness/watcher.ts';
import { createWorkload, Workload, workloadSequences, workloadTables } from '../harness/workload/workload.ts';

/** Every named crash point of the services, read from where they are declared, so that a new one is never forgotten. */
function declaredFailpoints(): string[] {
  const found = new Set<string>();
  for (const service of ['ticker', 'capture', 'replay']) {
    const folder = join(projectRoot, 'services', service, 'src');
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
    for (const file of files.filter((name) => name.endsWith('.ts') && !name.includes('.test.'))) {
      const text = readFileSync(join(folder, file), 'utf8');
      for (const [, list] of text.matchAll(/defineFailpoints\(([^)]*)\)/g)) {
        for (const [, name] of (list ?? '').matchAll(/'([^']+)'/g)) if (name !== undefined) found.add(name);
      }
    }
  }
  return [...found].sort();
}

const names = declaredFailpoints();

/** On a busy machine the clients write more than is applied meanwhile; a point or a state that is not reached is a failure. */
const limitMs = 120_000;

let ground: Ground;
let site: Site;
let workload: Workload;
let watcher: Watcher;
const stopWatching = new AbortController();

beforeAll(async () => {
  ground = await Ground.start({ name: 'failpoints', servers: { provider: { major: 15 }, eu: { major: 18 } } });
  site = await ground.site({ name: 'failpoints', provider: 'provider', subscribers: { eu: 'eu' } });
  await createWorkload(site.provider, site.subscribers.values());
  await site.everywhere('CREATE TABLE public.copied (id int PRIMARY KEY, v text)');
  await site.provider.run("INSERT INTO copied SELECT i, repeat('x', 100) FROM generate_series(1, 3000) i");
  await site.begin({ tables: [...workloadTables], sequences: [...workloadSequences] });
  await site.provider.run("UPDATE pgq.queue SET queue_rotation_period = '2 seconds'");
  workload = new Workload(site.provider);
  workload.start({ random: new Random(5), clients: 3, holdMs: 300, thinkMs: 20 });
  watcher = new Watcher('eu', site.subscriber('eu'), 40_000);
  void watcher.run(stopWatching.signal);
});

afterAll(() => ground.stop());

/** Points that only some work passes, once each time: a crash comes at the first pass, elsewhere at the second. */
const seldom = /copy|finish|maintenance/;

/** Copies a table again, so that what only copies pass is passed; over rows that are there, the copy is made beside them. */
async function copyAgain(over: 'no rows' | 'rows'): Promise<void> {
  await site.command(['remove', 'copied']);
  if (over === 'no rows') await site.subscriber('eu').run('TRUNCATE public.copied');
  await site.command(['add', 'copied']);
}

describe('a crash at every named point', () => {
  test.each(names)('%s: dies there, and the next one goes on', { timeout: 300_000 }, async (name) => {
    const prefix = name.split(/[.:]/)[0] ?? '';
    const kind = prefix === 'replay' ? 'replay eu' : prefix;
    await site.service(kind).kill();
    const action = seldom.test(name) ? 'exit@1' : 'exit@2';
    const armed = site.serviceWith(kind, `armed ${name}`, { env: { MILLRACE_FAILPOINTS: `${name}=${action}` } });
    onTestFinished(() => armed.kill());
    armed.start();
    const needsCopy = /copy|finish/.test(name);
    if (needsCopy) await copyAgain(name === 'replay.copy-part' ? 'rows' : 'no rows');
    await armed.ended(limitMs);
    expect(armed.log).toContain(`"failpoint":"${name}"`);
    site.service(kind).start();
    await site.sync(undefined, limitMs);
  });

  test('leaves all equal, with nothing lost, twice or torn', async () => {
    await workload.stop();
    const { provider, subscribers } = site;
    const tables = ['copied', ...workloadTables];
    const question: Question = { provider, subscribers, ledger: workload.ledger, tables, sequences: workloadSequences };
    await waitFor('equality', () => isEqual(question), { timeoutMs: 30_000, everyMs: 200 }).catch(() => {});
    stopWatching.abort();
    expect((await judge(question)).findings).toEqual([]);
    expect(watcher.findings).toEqual([]);
    expect(names.length).toBeGreaterThanOrEqual(10);
  });
});

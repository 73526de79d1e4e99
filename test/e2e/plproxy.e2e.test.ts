// The example of infra/examples/plproxy with the real PL/Proxy: a front before two partitions, each replicated.

import { join } from 'node:path';
import { postgresTool } from '@millrace/embedded/testing';
import { waitFor } from '@millrace/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCommand } from '../harness/command-line.ts';
import type { Database } from '../harness/database.ts';
import { fetched, skipped } from '../harness/fetched.ts';
import { Ground } from '../harness/ground.ts';
import { ServiceProcess } from '../harness/service-process.ts';
import { projectRoot } from '../harness/standing.ts';

const example = join(projectRoot, 'infra', 'examples', 'plproxy');
const program = fetched('plproxy');
const psql = postgresTool('psql') ?? '';
const names = ['front', 'p0', 'p1', 'r0', 'r1'] as const;

let ground: Ground;
const databases = new Map<string, Database>();
const services: ServiceProcess[] = [];

function at(name: (typeof names)[number]): Database {
  const database = databases.get(name);
  if (database === undefined) throw new Error(`no database ${name}`);
  return database;
}

/** Runs a file of the example, or of PL/Proxy itself, as a person would. */
async function file(name: (typeof names)[number], path: string, variables: Readonly<Record<string, string>> = {}) {
  const sets = Object.entries(variables).flatMap(([key, value]) => ['-v', `${key}=${value}`]);
  const args = ['-qX', '-v', 'ON_ERROR_STOP=1', ...sets, '-f', path, at(name).url];
  const { code, stderr } = await runCommand({ file: psql, args, cwd: example, env: process.env });
  if (code !== 0) throw new Error(`${path} at ${name}: ${stderr}`);
}

const environment = () => ({
  ...process.env,
  NATS_URL: ground.nats.url,
  ...Object.fromEntries(names.map((name) => [`${name.toUpperCase()}_URL`, at(name).url])),
});

function plan(config: string, args: readonly string[]) {
  const env = { ...environment(), DATA_DIR: join(ground.dir, config) };
  const bin = join(projectRoot, 'bin', 'millrace');
  return { file: bin, args: ['--config', join(example, `${config}.yaml`), ...args], cwd: ground.dir, env };
}

async function millrace(config: string, ...args: string[]): Promise<void> {
  const { code, stderr } = await runCommand(plan(config, args));
  if (code !== 0) throw new Error(`millrace ${args.join(' ')} for ${config}: ${stderr}`);
}

/** Replication of a partition, as one process with children. */
function up(config: string): void {
  const label = `up ${config}`;
  services.push(new ServiceProcess({ label, ...plan(config, ['up']), logFile: join(ground.dir, `${config}.log`) }));
  services.at(-1)?.start();
}

async function prepare(dir: string): Promise<void> {
  const libraries = join(dir, 'usr', 'lib', 'postgresql', '15', 'lib');
  const settings = { dynamic_library_path: `$libdir:${libraries}` };
  ground = await Ground.start({ name: 'plproxy', servers: { a: { major: 15, settings } } });
  for (const name of names) databases.set(name, await ground.createDatabase('a', name));
  for (const name of ['p0', 'p1', 'r0', 'r1'] as const) await file(name, 'tables.sql');
  for (const name of ['p0', 'p1'] as const) await file(name, 'partition.sql');
  for (const name of ['r0', 'r1'] as const) await file(name, 'replica.sql');
  await file('front', join(dir, 'usr', 'share', 'postgresql', '15', 'extension', 'plproxy--2.10.0.sql'));
  const { port } = new URL(at('front').url);
  const connections = names.map((name) => [name, `dbname=${name} host=127.0.0.1 port=${port}`]);
  await file('front', 'front.sql', Object.fromEntries(connections));
  for (const config of ['partition0', 'partition1']) {
    await millrace(config, 'install');
    up(config);
  }
  await millrace('partition0', 'add', 'entry', '--subscriber', 'r0');
  await millrace('partition0', 'add', 'product');
  await millrace('partition1', 'add', 'entry');
  await millrace('partition0', 'wait');
  await millrace('partition1', 'wait');
}

describe.skipIf(program.why !== undefined || psql === '')(
  `PL/Proxy${psql === '' ? ' (skipped: there is no psql)' : skipped(program)}`,
  () => {
    beforeAll(() => prepare(program.dir ?? ''), 180_000);

    afterAll(async () => {
      await Promise.all(services.map((service) => service.stop()));
      await Promise.all([...databases.values()].map((database) => database.close()));
      await ground?.stop();
    });

    test('each customer is written to one partition and read, at once, from its replica', async () => {
      for (let n = 0; n < 20; n += 1) {
        const customer = `customer ${n % 7}`;
        const token = await at('front').value('SELECT add_entry($1, $2, $3)', [customer, n, `item ${n}`]);
        const rows = await at('front').rows('SELECT * FROM entries_of($1, $2) WHERE id = $3', [customer, token, n]);
        expect(rows).toEqual([{ customer, id: String(n), item: `item ${n}` }]);
      }
      const counts = await at('front').rows('SELECT count_entries() AS n');
      const each = await Promise.all((['r0', 'r1'] as const).map((name) => at(name).value('SELECT count_entries()')));
      expect(counts.map((row) => row['n']).sort()).toEqual(each.sort());
      expect(each.map(Number).every((n) => n > 0)).toBe(true);
      expect(each.map(Number).reduce((sum, n) => sum + n, 0)).toBe(20);
    });

    test('what all replicas share is read from any of them, and each can be waited for', async () => {
      await at('p0').run(`INSERT INTO product VALUES (1, 'pencil')`);
      const token = await at('p0').value('SELECT millrace.token()');
      for (const name of ['r0', 'r1'] as const) {
        expect(await at(name).value(`SELECT millrace.wait_for($1, '10s', '{product}')`, [token])).toBe(true);
      }
      for (let n = 0; n < 10; n += 1) {
        expect(await at('front').value('SELECT product_name(1)')).toBe('pencil');
      }
    });

    test('a database that follows two queues waits for the one that carries what is read', async () => {
      await millrace('partition0', 'pause', 'r1');
      await at('p0').run(`INSERT INTO product VALUES (2, 'pen')`);
      const product = await at('p0').value('SELECT millrace.token()');
      const entry = await at('front').value(`SELECT add_entry((SELECT 'c' || n FROM generate_series(1, 50) n
        WHERE hashtext('c' || n) & 1 = 1 LIMIT 1), 1000, 'mine')`);
      const there = (text: string, table: string) =>
        at('r1').value(`SELECT millrace.wait_for($1, '0', ARRAY[$2::regclass])`, [text, table]);
      await waitFor('the entry is there', async () => await there(entry, 'entry'));
      expect(await there(product, 'product')).toBe(false);
      await millrace('partition0', 'resume', 'r1');
      expect(await at('r1').value('SELECT millrace.wait_for($1)', [product])).toBe(true);
    });
  },
);

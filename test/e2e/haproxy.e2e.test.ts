// The example of infra/examples/haproxy with the real haproxy: writes to the provider, reads from whoever is fresh enough.

import { readdirSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { freePort } from '@millrace/embedded';
import { postgresTool } from '@millrace/embedded/testing';
import { waitFor } from '@millrace/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCommand } from '../harness/command-line.ts';
import { Database } from '../harness/database.ts';
import { fetched, skipped } from '../harness/fetched.ts';
import { Ground } from '../harness/ground.ts';
import { ServiceProcess } from '../harness/service-process.ts';
import type { Site } from '../harness/site.ts';
import { projectRoot } from '../harness/standing.ts';

const example = join(projectRoot, 'infra', 'examples', 'haproxy');
const program = fetched('haproxy');
const psql = postgresTool('psql');

let ground: Ground;
let site: Site;
let haproxy: ServiceProcess;
const urls = { write: '', read: '' };

/** Starts haproxy before the site's databases and its admin. */
async function startHaproxy(dir: string): Promise<void> {
  const [write, read] = [await freePort(), await freePort()];
  const address = (database: Database) => new URL(database.url).host;
  const libraries = readdirSync(join(dir, 'usr', 'lib')).map((name) => join(dir, 'usr', 'lib', name));
  haproxy = new ServiceProcess({
    label: 'haproxy',
    file: join(dir, 'usr', 'sbin', 'haproxy'),
    args: ['-db', '-f', join(example, 'haproxy.cfg')],
    cwd: site.dir,
    env: {
      ...process.env,
      LD_LIBRARY_PATH: libraries.join(delimiter),
      WRITE_ADDRESS: `127.0.0.1:${write}`,
      READ_ADDRESS: `127.0.0.1:${read}`,
      PROVIDER_ADDRESS: address(site.provider),
      EU_ADDRESS: address(site.subscriber('eu')),
      US_ADDRESS: address(site.subscriber('us')),
      ADMIN_HOST: '127.0.0.1',
      ADMIN_PORT: String((await site.runs('admin')).port),
    },
    logFile: join(site.dir, 'haproxy.log'),
  });
  haproxy.start();
  const through = (port: number) => Object.assign(new URL(site.provider.url), { port: String(port) }).href;
  urls.write = through(write);
  urls.read = through(read);
}

/** Which servers answer on the read address, asked often enough to meet all of them. */
async function readers(): Promise<string[]> {
  const found = new Set<string>();
  for (let n = 0; n < 6; n += 1) {
    const database = new Database(urls.read);
    found.add(await database.value('SHOW cluster_name'));
    await database.close();
  }
  return [...found].sort();
}

const readersAre = (names: readonly string[]) =>
  waitFor(`reads go to ${names.join(' and ')}`, async () => (await readers()).join() === names.join(), {
    timeoutMs: 30_000,
  });

describe.skipIf(program.why !== undefined || psql === undefined)(
  `haproxy${psql === undefined ? ' (skipped: there is no psql)' : skipped(program)}`,
  () => {
    beforeAll(async () => {
      const server = (name: string) => ({ major: 15, settings: { cluster_name: name } });
      ground = await Ground.start({
        name: 'haproxy',
        servers: { pr: server('provider'), eu: server('eu'), us: server('us') },
      });
      site = await ground.site({ name: 'hap', provider: 'pr', subscribers: { eu: 'eu', us: 'us' }, database: 'shop' });
      await site.everywhere('CREATE TABLE public.entry (id serial PRIMARY KEY, item text)');
      await site.begin({ tables: ['public.entry'] });
      site.service('admin').start();
      await startHaproxy(program.dir ?? '');
    });

    afterAll(async () => {
      await haproxy?.kill();
      await ground?.stop();
    });

    test('reads are spread over the replicas, writes go to the provider', async () => {
      await readersAre(['eu', 'us']);
      const write = new Database(urls.write);
      expect(await write.value('SHOW cluster_name')).toBe('provider');
      await write.close();
    });

    test('a read sees its own write, at a replica', async () => {
      for (let n = 0; n < 10; n += 1) {
        const { code, stdout, stderr } = await runCommand({
          file: join(example, 'read-your-write.sh'),
          args: [],
          cwd: site.dir,
          env: {
            ...process.env,
            PATH: `${dirname(psql ?? '')}${delimiter}${process.env['PATH']}`,
            WRITE_URL: urls.write,
            READ_URL: urls.read,
            ITEM: `the ${n}th`,
          },
        });
        expect(stderr).toBe('');
        expect(stdout).toMatch(new RegExp(`^(eu|us): the ${n}th\n$`));
        expect(code).toBe(0);
      }
    });

    test('one that falls behind is left out and its sessions are ended, until it has caught up', async () => {
      const held = await waitFor('a session with us', async () => {
        const database = new Database(urls.read);
        if ((await database.value('SHOW cluster_name')) === 'us') return database;
        await database.close();
        return undefined;
      });
      await site.service('replay us').kill();
      await site.provider.run(`INSERT INTO entry (item) VALUES ('later')`);
      await readersAre(['eu']);
      // Its session comes back elsewhere: this Database connects anew after a loss.
      await waitFor('the held session is with eu', async () => (await held.value('SHOW cluster_name')) === 'eu');
      await held.close();
      await site.service('replay eu').kill();
      await site.provider.run(`INSERT INTO entry (item) VALUES ('latest')`);
      await readersAre(['provider']);
      site.service('replay us').start();
      site.service('replay eu').start();
      await readersAre(['eu', 'us']);
    });
  },
);

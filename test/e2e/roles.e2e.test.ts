// Roles with exactly the grants of docs/operations.md ("What it needs"): every service and every verb does its work.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { waitFor } from '@millrace/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Database } from '../harness/database.ts';
import { Ground } from '../harness/ground.ts';
import type { Site } from '../harness/site.ts';

let ground: Ground;

beforeAll(async () => {
  ground = await Ground.start({ name: 'roles', servers: { older: { major: 15 }, newer: { major: 18 } } });
  for (const label of ['older', 'newer']) await makeRoles(label);
});

afterAll(() => ground.stop());

/** Of every server: a role for each duty, and one that owns the tables. */
async function makeRoles(label: string): Promise<void> {
  const root = await ground.createDatabase(label, 'roles');
  await root.run(`CREATE ROLE installer LOGIN CREATEROLE; CREATE ROLE app_owner LOGIN; CREATE ROLE applier LOGIN;
    CREATE ROLE operator LOGIN; CREATE ROLE the_ticker LOGIN; CREATE ROLE the_capture LOGIN;
    GRANT SET ON PARAMETER session_replication_role TO applier`);
  await root.close();
}

const tables = ['item', 'part', 'other'];
const schema = `CREATE SCHEMA app AUTHORIZATION app_owner; SET ROLE app_owner;
  CREATE TABLE app.item (id serial PRIMARY KEY, v text); CREATE TABLE app.other (id int PRIMARY KEY, v text);
  CREATE TABLE app.part (id int PRIMARY KEY, item int REFERENCES app.item); RESET ROLE`;

/** The provider belongs to `installer`, the tables to `app_owner`, who granted what the documents name. */
async function prepareProvider({ provider }: Site): Promise<void> {
  await own(provider, 'installer');
  await provider.run(`${schema}; GRANT USAGE ON SCHEMA app TO installer, the_capture, operator;
    GRANT SELECT, TRIGGER ON ALL TABLES IN SCHEMA app TO installer; GRANT SELECT ON ALL TABLES IN SCHEMA app TO the_capture, operator;
    GRANT SELECT ON ALL SEQUENCES IN SCHEMA app TO installer`);
}

async function prepareSubscriber(subscriber: Database): Promise<void> {
  await own(subscriber, 'applier');
  await subscriber.run(`${schema}; GRANT USAGE ON SCHEMA app TO applier;
    GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON ALL TABLES IN SCHEMA app TO applier;
    GRANT SELECT, UPDATE ON ALL SEQUENCES IN SCHEMA app TO applier`);
}

async function own(database: Database, role: string): Promise<void> {
  const name = await database.value('SELECT quote_ident(current_database())');
  await database.run(`ALTER DATABASE ${name} OWNER TO ${role}; REVOKE CREATE ON SCHEMA public FROM PUBLIC`);
}

/** The configuration of a host whose provider URL names this role. */
function configAs(site: Site, role: string): string {
  const url = new URL(site.provider.url);
  url.username = role;
  const subscriber = new URL(site.subscriber('eu').url);
  subscriber.username = 'applier';
  const text = readFileSync(site.configFile, 'utf8')
    .replace(site.provider.url, url.href)
    .replace(site.subscriber('eu').url, subscriber.href);
  const file = join(site.dir, `${role}.yaml`);
  writeFileSync(file, text);
  return file;
}

/** Runs a command as an operator and gives its document. */
async function operate(site: Site, ...args: string[]): Promise<Record<string, unknown>> {
  const result = await site.command([...args, '--json'], { config: join(site.dir, 'operator.yaml') });
  if (result.code !== 0) throw new Error(`${args.join(' ')}: exit ${result.code}\n${result.stdout}${result.stderr}`);
  return JSON.parse(result.stdout);
}

test.each([
  ['older', 'newer'],
  ['newer', 'older'],
])('all verbs as an operator, all services as their roles: provider on the %s server', async (provider, eu) => {
  const site = await ground.site({ name: `roles_${provider}`, provider, subscribers: { eu } });
  await prepareProvider(site);
  await prepareSubscriber(site.subscriber('eu'));
  const install = await site.command(['install'], { config: configAs(site, 'installer') });
  expect(install.code, install.stderr).toBe(0);
  await site.provider.run(`ALTER ROLE installer NOCREATEROLE;
    GRANT millrace_owner TO operator; GRANT millrace_ticker TO the_ticker; GRANT millrace_capture TO the_capture`);
  configAs(site, 'operator');
  site.serviceWith('ticker', '', { config: configAs(site, 'the_ticker') }).start();
  site.serviceWith('capture', '', { config: configAs(site, 'the_capture') }).start();
  site.serviceWith('replay eu', '', { config: join(site.dir, 'operator.yaml') }).start();

  await operate(site, 'add', 'app.item', 'app.part');
  await operate(site, 'add-seq', 'app.item_id_seq');
  await operate(site, 'wait', '--timeout', '60s');
  await site.provider.run(`INSERT INTO app.item (v) SELECT 'v' || i FROM generate_series(1, 20) i`);
  await operate(site, 'wait', '--timeout', '60s');
  await operate(site, 'add', 'app.other');
  await operate(site, 'add-seq', 'app.item_id_seq');
  await operate(site, 'wait', '--timeout', '60s');
  await site
    .subscriber('eu')
    .run(`SET session_replication_role = replica; UPDATE app.item SET v = 'damaged' WHERE id = 7`);
  expect((await site.command(['compare', '--json'], { config: join(site.dir, 'operator.yaml') })).code).toBe(1);
  await operate(site, 'repair', 'app.item', '--subscriber', 'eu', '--apply', '--yes');
  await operate(site, 'compare');
  await operate(site, 'resync', 'app.other', '--yes');
  await operate(site, 'wait', '--timeout', '60s');
  await operate(site, 'pause', 'eu');
  await site.provider.run(`UPDATE app.item SET v = v || 'x'`);
  await waitFor('the operator sees events that eu lacks', async () => {
    const { stdout } = await site.command(['status', '--json'], { config: join(site.dir, 'operator.yaml') });
    return JSON.parse(stdout).provider.queue.events > 0;
  });
  await operate(site, 'resume', 'eu');
  await operate(site, 'wait', '--timeout', '60s');
  const { token } = await operate(site, 'token');
  await operate(site, 'wait-for', String(token), '--subscriber', 'eu');
  expect(await site.differences(tables.map((name) => ({ schema: 'app', name })))).toEqual([]);
  await operate(site, 'status');
  await operate(site, 'tables');
  await operate(site, 'seqs');
  await operate(site, 'audit');
  expect((await operate(site, 'doctor'))['findings']).not.toContainEqual(expect.objectContaining({ level: 'error' }));
  await operate(site, 'remove-seq', 'app.item_id_seq');
  await operate(site, 'remove', 'app.other');
  await operate(site, 'unregister', 'eu', '--yes');
  await site.destroy();
});

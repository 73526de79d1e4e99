import { readFileSync, writeFileSync } from 'node:fs';
import { waitFor } from '@millrace/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Database } from '../harness/database.ts';
import { Ground } from '../harness/ground.ts';
import { JetStreamHand } from '../harness/jetstream.ts';
import { expectEqual, play } from '../harness/scenario.ts';
import type { Site } from '../harness/site.ts';

let ground: Ground;

beforeAll(async () => {
  // Roles belong to a server, and uninstall takes ours away: these servers are for this file alone.
  ground = await Ground.start({ name: 'lifecycle', servers: { provider: { major: 15 }, eu: { major: 18 } } });
});

afterAll(() => ground.stop());

/** Everything in a database that bears our name. */
async function traces(database: Database): Promise<string[]> {
  const rows = await database.rows(`
    SELECT 'schema ' || nspname AS what FROM pg_namespace WHERE nspname ~ '^(millrace|pgq)'
    UNION ALL SELECT 'function ' || proname FROM pg_proc WHERE proname ~ 'millrace'
    UNION ALL SELECT 'trigger ' || tgname FROM pg_trigger WHERE tgname ~ '^(millrace|capture_)' AND NOT tgisinternal
    UNION ALL SELECT 'event trigger ' || evtname FROM pg_event_trigger WHERE evtname ~ 'millrace'
    UNION ALL SELECT 'role ' || rolname FROM pg_roles WHERE rolname ~ '^(millrace|pgq)'
    UNION ALL SELECT 'slot ' || slot_name FROM pg_replication_slots
    UNION ALL SELECT 'publication ' || pubname FROM pg_publication ORDER BY 1`);
  return rows.map((row) => String(row['what']));
}

async function withoutSuperuser(site: Site): Promise<void> {
  for (const database of [site.provider, ...site.subscribers.values()]) {
    const name = await database.value('SELECT quote_ident(current_database())');
    await database.run(`DO $$ BEGIN CREATE ROLE keeper LOGIN CREATEROLE; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
      ALTER DATABASE ${name} OWNER TO keeper; ALTER SCHEMA public OWNER TO keeper`);
  }
  for (const subscriber of site.subscribers.values())
    await subscriber.run('GRANT SET ON PARAMETER session_replication_role TO keeper');
}

describe('a site from beginning to end', () => {
  test('with roles that are no superuser it is installed, replicates and is removed without a trace; data stays', async () => {
    const site = await ground.site({ name: 'plain', provider: 'provider', subscribers: { eu: 'eu' }, role: 'keeper' });
    await withoutSuperuser(site);
    for (const database of [site.provider, ...site.subscribers.values()]) {
      await database.run(`SET ROLE keeper; CREATE TABLE item (id serial PRIMARY KEY, v text); CREATE TABLE part (id int PRIMARY KEY, item int REFERENCES item);
        CREATE TABLE marker (id int PRIMARY KEY, n int NOT NULL); RESET ROLE`);
    }
    await site.provider.run("INSERT INTO item (v) SELECT 'v' || i FROM generate_series(1, 100) i");
    await site.begin({ tables: ['item', 'part'], sequences: ['item_id_seq'] });
    await play(
      site,
      ['item', 'part'],
      [
        "INSERT INTO item (v) VALUES ('x')",
        'INSERT INTO part VALUES (1, 1)',
        'UPDATE item SET v = v || 1',
        'DELETE FROM item WHERE id > 90',
      ],
    );
    const refused = await site.command(['uninstall']);
    expect(refused.code).toBe(2);
    for (const service of site.services.values()) await service.stop();
    await site.millrace('uninstall', '--yes');
    expect(await traces(site.provider)).toEqual([]);
    expect(await traces(site.subscriber('eu'))).toEqual([]);
    const streams = (await new JetStreamHand(ground.nats.url).streams()).map(({ config }) => config.name);
    expect(streams.filter((name) => name.includes('plain'))).toEqual([]);
    expect(await site.provider.value('SELECT count(*) FROM item')).toBe('90');
    expect(await site.subscriber('eu').value('SELECT count(*) FROM item')).toBe('90');
    expect((await site.command(['uninstall', '--yes'])).code).toBe(0);
    await site.destroy();
  });

  test('where foreign keys stay on, tables are copied whatever their order: more children than copies at once', async () => {
    const site = await ground.site({ name: 'modest', provider: 'provider', subscribers: { eu: 'eu' } });
    const eu = site.subscriber('eu');
    const name = await eu.value('SELECT quote_ident(current_database())');
    await eu.run(
      `CREATE ROLE modest LOGIN; ALTER DATABASE ${name} OWNER TO modest; ALTER SCHEMA public OWNER TO modest`,
    );
    const children = ['a', 'b', 'c', 'd'].map((letter) => `${letter}_line`);
    const schema = `CREATE TABLE z_order (id int PRIMARY KEY);
      ${children.map((child) => `CREATE TABLE ${child} (id int PRIMARY KEY, "order" int NOT NULL REFERENCES z_order);`).join('')}
      CREATE TABLE public.marker (id int PRIMARY KEY, n int NOT NULL)`;
    await site.provider.run(schema);
    await eu.run(`SET ROLE modest; ${schema}; RESET ROLE`);
    await site.provider.run(`INSERT INTO z_order SELECT generate_series(1, 500);
      ${children.map((child) => `INSERT INTO ${child} SELECT i, i FROM generate_series(1, 500) i;`).join('')}`);
    const url = new URL(eu.url);
    url.username = 'modest';
    const config = readFileSync(site.configFile, 'utf8').replace(eu.url, url.href);
    writeFileSync(site.configFile, config);
    await site.begin();
    // The children first, and the parent only when all of them wait for it.
    await site.millrace('add', ...children);
    await waitFor('the children wait', async () => {
      const { subscribers } = await site.status();
      const waiting = subscribers[0]?.tables.filter(
        ({ name: table, state }) => /_line/.test(table) && state === 'copying',
      );
      return waiting?.length === children.length;
    });
    await site.millrace('add', 'z_order');
    await site.millrace('wait', '--timeout', '60s');
    await expectEqual(site, ['z_order', ...children]);
    await site.destroy();
  });

  test('uninstalled under running services and installed again, it starts again', async () => {
    const site = await ground.site({ name: 'anew', provider: 'provider', subscribers: { eu: 'eu' } });
    await site.everywhere('CREATE TABLE item (id int PRIMARY KEY, v text)');
    await site.provider.run("INSERT INTO item VALUES (1, 'a')");
    await site.begin({ tables: ['item'] });
    await site.millrace('uninstall', '--yes');
    await site.provider.run("UPDATE item SET v = 'b'");
    await site.subscriber('eu').run('TRUNCATE item, marker');
    await site.begin({ tables: ['item'] });
    await expectEqual(site, ['item'], 60_000);
    await site.destroy();
  });

  test('before install every command says what to do, and no service dies of waiting', async () => {
    const site = await ground.site({ name: 'early', provider: 'provider', subscribers: { eu: 'eu' } });
    await site.everywhere('CREATE TABLE item (id int PRIMARY KEY, v text)');
    site.startServices();
    for (const command of [
      ['add', 'item'],
      ['wait', '--timeout', '1s'],
      ['pause', 'eu'],
    ]) {
      const result = await site.command(command);
      expect(result.code, command.join(' ')).toBe(1);
      expect(result.stderr).toMatch(/install/);
    }
    expect(site.kinds.every((kind) => site.service(kind).isRunning)).toBe(true);
    await site.begin({ tables: ['item'] });
    await play(site, ['item'], ["INSERT INTO item VALUES (1, 'a')"]);
    await site.destroy();
  });

  test('a wrong configuration is one line with exit code 2', async () => {
    const site = await ground.site({ name: 'config', provider: 'provider', subscribers: { eu: 'eu' } });
    const { writeFileSync } = await import('node:fs');
    const cases: [string, RegExp][] = [
      ['queue: a\nspeed: 9\n', /speed/],
      ['provider:\n  url: mysql://x\n', /url/],
      ['queue: [', /line|yaml/i],
      ['subscribers: { "a b": { url: "postgresql://x" } }\n', /a b/],
      ['http: { port: 99999 }\n', /port/],
      [`provider:\n  url: "\${MILLRACE_NO_SUCH_VARIABLE}"\n`, /MILLRACE_NO_SUCH_VARIABLE/],
    ];
    for (const [text, words] of cases) {
      writeFileSync(`${site.dir}/bad.yaml`, text);
      const result = await site.command(['status'], { config: `${site.dir}/bad.yaml` });
      expect(result.code, text).toBe(2);
      expect(result.stderr.trim()).toMatch(words);
      expect(result.stderr.trim().split('\n').length).toBe(1);
    }
    const missing = await site.command(['status', '--json'], { config: `${site.dir}/none.yaml` });
    expect(missing.code).toBe(2);
    expect(JSON.parse(missing.stdout)).toMatchObject({
      error: { message: expect.stringContaining('none.yaml') as string },
    });
  });
});

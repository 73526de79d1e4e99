// A provider that has the real pgq extension: it is used as it is, and left as it was.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineQueue } from '@millrace/queue';
import { waitFor } from '@millrace/testkit';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Database } from '../harness/database.ts';
import { skipped } from '../harness/fetched.ts';
import { Ground } from '../harness/ground.ts';
import { extensionServer, pgqPrograms } from '../harness/pgq-programs.ts';
import { expectEqual, play } from '../harness/scenario.ts';
import type { Site } from '../harness/site.ts';

let ground: Ground;
let site: Site;
let provider: Database;
let before: string;

/** Everything of the extension: functions with source and rights, relations with rights, roles. */
async function extensionState(): Promise<string> {
  const rows = await provider.rows(`
    SELECT 'function ' || p.oid::regprocedure || md5(p.prosrc) || coalesce(p.proacl::text, '') AS what
      FROM pg_proc p JOIN pg_depend d ON d.objid = p.oid AND d.deptype = 'e' JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'pgq'
    UNION ALL SELECT 'relation ' || c.oid::regclass || coalesce(c.relacl::text, '')
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE nspname = 'pgq' AND relname !~ '^event_[0-9]'
    UNION ALL SELECT 'schema ' || nspname || coalesce(nspacl::text, '') FROM pg_namespace WHERE nspname = 'pgq'
    UNION ALL SELECT 'role ' || rolname FROM pg_roles WHERE rolname ~ '^pgq'
    UNION ALL SELECT 'version ' || pgq.version() ORDER BY 1`);
  return rows.map((row) => String(row['what'])).join('\n');
}

describe.skipIf(pgqPrograms.why !== undefined)(`a queue in the real extension${skipped(pgqPrograms)}`, () => {
  beforeAll(async () => {
    ground = await Ground.start({ name: 'extension', servers: { provider: extensionServer(), eu: { major: 18 } } });
    site = await ground.site({ name: 'real', provider: 'provider', subscribers: { eu: 'eu' } });
    provider = site.provider;
    await provider.run(`CREATE EXTENSION pgq; CREATE ROLE keeper LOGIN CREATEROLE;
      SELECT pgq.create_queue('theirs'), pgq.register_consumer('theirs', 'they')`);
    await site.everywhere(`CREATE TABLE item (id serial PRIMARY KEY, v text)`);
    await provider.run(
      'GRANT CREATE ON DATABASE real_provider TO keeper; GRANT SELECT ON ALL TABLES IN SCHEMA public TO keeper; ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO keeper',
    );
    // The services at the provider as somebody who is no superuser.
    const config = join(site.dir, 'keeper.yaml');
    writeFileSync(config, readFileSync(site.configFile, 'utf8').replace('//postgres@', '//keeper@'));
    for (const kind of ['ticker', 'capture']) site.serviceWith(kind, '', { config });
    before = await extensionState();
    await provider.run(`INSERT INTO item (v) SELECT 'v' || i FROM generate_series(1, 100) i`);
  });

  afterAll(() => ground?.stop());

  test('it is found by install, which leaves it alone and tells who may install', async () => {
    const refused = await site.command(['install'], { config: join(site.dir, 'keeper.yaml') });
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('extension pgq belongs to postgres')]);
    await site.millrace('install');
    await provider.run('GRANT millrace_capture, millrace_ticker, pgq_admin TO keeper');
    await site.millrace('install');
    expect(await extensionState()).toBe(before);
  });

  test('tables are copied and followed', async () => {
    await site.begin({ tables: ['item'], sequences: ['item_id_seq'] });
    await play(
      site,
      ['item'],
      [
        `INSERT INTO item (v) VALUES ('x'), (NULL)`,
        'UPDATE item SET v = v || 1',
        'DELETE FROM item WHERE id > 90',
        'TRUNCATE item',
      ],
    );
    expect(await extensionState()).toBe(before);
  });

  test('its tables are rotated under load, and nothing is lost', async () => {
    await provider.run(`SELECT pgq.set_queue_config('real', 'rotation_period', '1 second')`);
    const tables = new Set<string>();
    let n = 0;
    await waitFor('all three tables were written', async () => {
      n += 1;
      await provider.run('INSERT INTO item (v) SELECT $1 FROM generate_series(1, 10)', [`round ${n}`]);
      tables.add(await provider.value(`SELECT pgq.current_event_table('real')`));
      return tables.size === 3;
    });
    await site.sync();
    await expectEqual(site, ['item']);
    await waitFor('what was applied is gone from the queue', async () => {
      await site.sync();
      return (
        Number(await provider.value(`SELECT count(*) FROM pgq.event_template WHERE ev_data LIKE '%round 1%'`)) === 0
      );
    });
  });

  test('events are sent, ticked, consumed and retried in a queue of its own by @millrace/queue', async () => {
    const pool = new pg.Pool({ connectionString: provider.url });
    const queue = defineQueue({ name: 'theirs' });
    await queue.create(pool, { tickAfterMs: 50 });
    await pool.query('CREATE TABLE taken (data text, attempt int)');
    const retries = { delayMs: () => 0 };
    const consumer = queue.consumer({ name: 'they', database: pool, exactlyOnce: true, retries });
    // The ticks come from the ticker of the site, which serves all queues of the database.
    const running = consumer.run(async ({ data, attempt }, { client }) => {
      await client.query('INSERT INTO taken VALUES ($1, $2)', [data, attempt]);
      if (data === 'again' && attempt === 1) throw new Error('not yet');
    });
    for (const data of ['one', 'again', 'three']) await queue.send(pool, data);
    await pool.query(`BEGIN; SELECT pgq.insert_event('theirs', 't', 'undone'); ROLLBACK`);
    const taken = () => provider.rows('SELECT data, attempt FROM taken ORDER BY data');
    await waitFor('three events are taken', async () => (await taken()).length >= 3);
    expect(await taken()).toEqual([
      { data: 'again', attempt: 2 },
      { data: 'one', attempt: 1 },
      { data: 'three', attempt: 1 },
    ]);
    await consumer.close();
    await running;
    await pool.end();
    await provider.run(`SELECT pgq.drop_queue('theirs.dead', true); DROP TABLE taken`);
  });

  test('a table is taken out, then everything of ours; the extension and its queues stay', async () => {
    await site.millrace('remove', 'item');
    await provider.run(`INSERT INTO item (v) VALUES ('after')`);
    await site.sync();
    const count = `SELECT count(*) FROM item WHERE v = 'after'`;
    expect([await provider.value(count), await site.subscriber('eu').value(count)]).toEqual(['1', '0']);
    for (const service of site.services.values()) await service.stop();
    await site.millrace('uninstall', '--yes');
    expect(await extensionState()).toBe(before);
    expect(await provider.rows('SELECT queue_name FROM pgq.queue')).toEqual([{ queue_name: 'theirs' }]);
    expect(
      await provider.value(`SELECT count(*) FROM pg_namespace WHERE nspname IN ('millrace', 'pgq_coop', 'pgq_ext')`),
    ).toBe('0');
    await site.millrace('install');
    expect(await extensionState()).toBe(before);
  });
});

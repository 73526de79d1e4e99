// Consumers written with the real python-pgq read from our schema pgq; none of them knows of us.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { installProvider } from '@millrace/provider';
import { waitFor } from '@millrace/testkit';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { Database } from '../harness/database.ts';
import { skipped } from '../harness/fetched.ts';
import { Ground } from '../harness/ground.ts';
import { connstr, pgqDaemon, pgqPrograms, pythonConsumer } from '../harness/pgq-programs.ts';
import type { ServiceProcess } from '../harness/service-process.ts';
import { projectRoot } from '../harness/standing.ts';

const script = join(projectRoot, 'test', 'interop', 'consumers.py');

describe.skipIf(pgqPrograms.why !== undefined).each([15, 18])(
  `python-pgq on our schema, PostgreSQL %i${skipped(pgqPrograms)}`,
  (major) => {
    let ground: Ground;
    let daemon: ServiceProcess;
    let source: Database;
    let target: Database;

    beforeAll(async () => {
      ground = await Ground.start({ name: 'python', servers: { server: { major } } });
      source = await ground.createDatabase('server', 'source');
      target = await ground.createDatabase('server', 'target');
      for (const database of [source, target]) {
        await database.within(async (client) => {
          await installProvider(client);
        });
        await database.run('CREATE TABLE taken (event bigint, data text, retry int, taker text)');
      }
      daemon = pgqDaemon(ground.dir, [source.url]);
      daemon.start();
    });

    afterAll(async () => {
      await daemon?.stop();
      await Promise.all([source?.close(), target?.close()]);
      await ground?.stop();
    });

    /** A queue of its own that ticks at once, and a maker of consumers for it. */
    async function queue(name: string) {
      await source.run('SELECT pgq.create_queue($1)', [name]);
      await source.run(
        `SELECT pgq.set_queue_config($1, p, v) FROM (VALUES ('ticker_max_lag', '0'), ('ticker_idle_period', '1 second')) x(p, v)`,
        [name],
      );
      const plan = (kind: string, job: string, config: Readonly<Record<string, string>> = {}) => ({
        ...{ script, kind, name: job, dir: ground.dir },
        config: {
          ...{ db: connstr(source.url), target: connstr(target.url), queue_name: name },
          ...{ broken_off: join(ground.dir, `${name}.broken`), pgq_lazy_fetch: '3', ...config },
        },
      });
      const once = async (
        kind: string,
        job: string,
        config: Readonly<Record<string, string>>,
        ...switches: string[]
      ) => {
        const process = pythonConsumer(plan(kind, job, config), switches);
        process.start();
        await process.ended(20_000);
        expect([process.exitCode, process.log]).toEqual([0, expect.not.stringContaining('ERROR')]);
      };
      const consumer = (kind: string, job: string, config: Readonly<Record<string, string>> = {}) => {
        const process = pythonConsumer(plan(kind, job, config));
        onTestFinished(() => process.kill());
        return process;
      };
      return { once, consumer };
    }

    const put = (name: string, type: string, data: string) =>
      source.run('SELECT pgq.insert_event($1, $2, $3)', [name, type, data]);

    async function taken(database: Database, count: number) {
      const sql = `SELECT data, retry, taker FROM taken ORDER BY event, retry`;
      await waitFor(`${count} events are taken`, async () => (await database.rows(sql)).length >= count);
      const rows = await database.rows(sql);
      await database.run('TRUNCATE taken');
      return rows;
    }

    test('a consumer registers, reads in pages, sends an event back, is killed, goes on, and leaves', async () => {
      const { once, consumer } = await queue('plain');
      await once('plain', 'p1', {}, '--register');
      const p1 = consumer('plain', 'p1');
      p1.start();
      const lines = Array.from({ length: 10 }, (_, n) => `event ${n}`);
      for (const line of lines) await put('plain', line === 'event 4' ? 'again' : 'once', line);
      const rows = await taken(source, 10);
      expect(rows.map((row) => row['data']).sort()).toEqual(lines);
      expect(rows.find((row) => row['data'] === 'event 4')).toEqual({ data: 'event 4', retry: 1, taker: 'p1' });
      await source.run(`SELECT pgq.insert_event('plain', t, t) FROM unnest('{before,fail,after}'::text[]) t`);
      await p1.ended(20_000);
      expect(existsSync(join(ground.dir, 'plain.broken'))).toBe(true);
      expect(await source.value('SELECT count(*) FROM taken')).toBe('0');
      p1.start();
      expect((await taken(source, 3)).map((row) => row['data'])).toEqual(['before', 'fail', 'after']);
      await p1.kill();
      await once('plain', 'p1', {}, '--unregister');
      expect(await source.rows(`SELECT * FROM pgq.get_consumer_info('plain')`)).toEqual([]);
    });

    test('a consumer that filters by table and collects small batches gets the events it wants', async () => {
      const { once, consumer } = await queue('filtered');
      const config = {
        table_filter: `public.wanted`,
        pgq_batch_collect_events: '5',
        pgq_batch_collect_interval: '1 second',
      };
      await once('plain', 'f1', config, '--register');
      consumer('plain', 'f1', config).start();
      for (const n of [1, 2, 3]) {
        for (const table of ['public.wanted', 'public.other'])
          await source.run(`SELECT pgq.insert_event('filtered', 't', $1, $2, NULL, NULL, NULL)`, [
            `${table} ${n}`,
            table,
          ]);
      }
      const rows = await taken(source, 3);
      expect(rows.map((row) => row['data'])).toEqual([1, 2, 3].map((n) => `public.wanted ${n}`));
    });

    test('subconsumers share the events; what a killed one had, another takes over', async () => {
      const { once, consumer } = await queue('shared');
      const sub = (name: string) => ({
        consumer_name: 'team',
        subconsumer_name: name,
        subconsumer_timeout: '2 seconds',
      });
      const jobs = ['s1', 's2', 's3'];
      for (const job of jobs) await once('coop', job, sub(job), '--register');
      for (const job of jobs) consumer('coop', job, sub(job)).start();
      const lines = Array.from({ length: 30 }, (_, n) => `event ${String(n).padStart(2, '0')}`);
      for (const line of lines)
        await put('shared', line.endsWith('15') ? 'fail' : line.endsWith('7') ? 'again' : 'once', line);
      const rows = await taken(source, 30);
      expect(rows.map((row) => row['data']).sort()).toEqual(lines);
      // Whoever polls first takes a whole batch, so a quick one may have had all of them.
      const takers = new Set(rows.map((row) => row['taker']));
      for (let more = 0; takers.size === 1; more += 1) {
        await put('shared', 'once', `more ${more}`);
        for (const { taker } of await taken(source, 1)) takers.add(taker);
      }
      expect(existsSync(join(ground.dir, 'shared.broken'))).toBe(true);
    });

    test('a consumer that writes to another database writes once, also when killed between the two commits', async () => {
      const { once, consumer } = await queue('remote');
      await once('remote', 'r1', {}, '--register');
      const r1 = consumer('remote', 'r1');
      r1.start();
      await source.run(`SELECT pgq.insert_event('remote', t, t) FROM unnest('{one,two,fail}'::text[]) t`);
      await r1.ended(20_000);
      r1.start();
      await put('remote', 'once', 'four');
      expect((await taken(target, 4)).map((row) => row['data'])).toEqual(['one', 'two', 'fail', 'four']);
      await r1.kill();
      await source.run(`SELECT pgq.register_consumer_at('remote', 'r1', 1)`);
      await once('remote', 'r1', {}, '--rewind');
      r1.start();
      await put('remote', 'once', 'five');
      expect((await taken(target, 1)).map((row) => row['data'])).toEqual(['five']);
      expect(r1.log).not.toContain('Lost position');
    });
  },
);

// The real pgqd at work on our schema pgq: it knows nothing of us and calls what it has always called.

import { installProvider } from '@millrace/provider';
import { waitFor } from '@millrace/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Database } from '../harness/database.ts';
import { skipped } from '../harness/fetched.ts';
import { Ground } from '../harness/ground.ts';
import { pgqDaemon, pgqPrograms } from '../harness/pgq-programs.ts';
import type { ServiceProcess } from '../harness/service-process.ts';

/** The events of the consumer's next batch that has any; the batch stays open. */
async function nextEvents(database: Database) {
  return waitFor('a batch with events', async () => {
    const batch = await database.value<string | null>(`SELECT pgq.next_batch('jobs', 'worker')`);
    if (batch === null) return undefined;
    const events = await database.rows('SELECT ev_id, ev_data, ev_retry FROM pgq.get_batch_events($1)', [batch]);
    if (events.length > 0) return { batch, events };
    await database.run('SELECT pgq.finish_batch($1)', [batch]);
    return undefined;
  });
}

describe.skipIf(pgqPrograms.why !== undefined).each([15, 18])(
  `pgqd on our schema, PostgreSQL %i${skipped(pgqPrograms)}`,
  (major) => {
    let ground: Ground;
    let daemon: ServiceProcess;
    let one: Database;
    let two: Database;

    async function prepare(name: string): Promise<Database> {
      const database = await ground.createDatabase('server', name);
      await database.within(async (client) => {
        await installProvider(client);
      });
      await database.run(`SELECT pgq.create_queue('jobs'), pgq.register_consumer('jobs', 'worker');
        SELECT pgq.set_queue_config('jobs', 'ticker_max_lag', '0'), pgq.set_queue_config('jobs', 'ticker_idle_period', '1 second')`);
      return database;
    }

    beforeAll(async () => {
      ground = await Ground.start({ name: 'pgqd', servers: { server: { major } } });
      one = await prepare('one');
      two = await prepare('two');
      daemon = pgqDaemon(ground.dir, [one.url, two.url]);
      daemon.start();
    });

    afterAll(async () => {
      await daemon?.stop();
      await Promise.all([one?.close(), two?.close()]);
      await ground?.stop();
    });

    test('it ticks and brings retried events back, in every database', async () => {
      for (const database of [one, two]) {
        await database.run(`SELECT pgq.insert_event('jobs', 'a', 'first')`);
        const { batch, events } = await nextEvents(database);
        expect(events).toEqual([{ ev_id: '1', ev_data: 'first', ev_retry: null }]);
        await database.run('SELECT pgq.event_retry($1, 1, 0)', [batch]);
        await database.run('SELECT pgq.finish_batch($1)', [batch]);
        const again = await nextEvents(database);
        expect(again.events).toEqual([{ ev_id: '1', ev_data: 'first', ev_retry: 1 }]);
        await database.run('SELECT pgq.finish_batch($1)', [again.batch]);
      }
    });

    test('it rotates under load: every event is read once, and what was read goes', async () => {
      await one.run(`SELECT pgq.set_queue_config('jobs', 'rotation_period', '500 milliseconds')`);
      const rotations = async () => Number(await one.value(`SELECT queue_cur_table FROM pgq.queue`));
      const seen: string[] = [];
      const tables = new Set<number>();
      let sent = 0;
      while (tables.size < 3 || sent < 20) {
        sent += 1;
        await one.run(`SELECT pgq.insert_event('jobs', 'a', $1)`, [`${sent}`]);
        const { batch, events } = await nextEvents(one);
        seen.push(...events.map((event) => String(event['ev_data'])));
        await one.run('SELECT pgq.finish_batch($1)', [batch]);
        tables.add(await rotations());
      }
      expect(seen).toEqual(Array.from({ length: sent }, (_, n) => `${n + 1}`));
      await waitFor('the event tables are empty', async () => {
        await one.run(`SELECT pgq.finish_batch(b) FROM pgq.next_batch('jobs', 'worker') AS b WHERE b IS NOT NULL`);
        return (await one.value('SELECT count(*) FROM pgq.event_template')) === '0';
      });
    });

    test('a queue made while it runs is ticked; a paused one and one ticked from elsewhere are not', async () => {
      await two.run(`SELECT pgq.create_queue(q) FROM unnest('{late,paused,branch}'::text[]) q;
        SELECT pgq.set_queue_config(q, 'ticker_max_lag', '0') FROM unnest('{late,paused,branch}'::text[]) q;
        SELECT pgq.set_queue_config('paused', 'ticker_paused', '1'), pgq.set_queue_config('branch', 'external_ticker', '1');
        SELECT pgq.insert_event(q, 'a', 'x') FROM unnest('{late,paused,branch}'::text[]) q`);
      const ticks = (name: string) =>
        two.value<string>('SELECT last_tick_id FROM pgq.get_queue_info($1)', [name]).then(Number);
      await waitFor('the late queue is ticked', async () => (await ticks('late')) >= 2);
      expect([await ticks('paused'), await ticks('branch')]).toEqual([1, 1]);
    });

    test('its statistics and ours tell of the same, and nothing went wrong', async () => {
      await waitFor('statistics', () => /\{ticks: [1-9]\d*, maint: [1-9]\d*, retry: \d+\}/.test(daemon.log));
      expect(daemon.log).toMatch(/retry: [1-9]/);
      const [info] = await two.rows(
        `SELECT ticker_lag < interval '30 seconds' AS fresh, ev_new::int AS unticked FROM pgq.get_queue_info('late')`,
      );
      expect(info).toEqual({ fresh: true, unticked: 0 });
      expect(daemon.log).not.toMatch(/ERROR|FATAL|WARNING/);
    });
  },
);

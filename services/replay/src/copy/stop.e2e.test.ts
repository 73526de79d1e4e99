// A replay stops in time whatever its copies are doing, and loses nothing by it.
import type { Service } from '@millrace/lifecycle';
import { armFailpoints, startStopStress } from '@millrace/lifecycle/testing';
import { connect, type PgClient } from '@millrace/postgres';
import { unfollowTable } from '@millrace/subscriber';
import { eventually } from '@millrace/testkit';
import { batchSubject, encodeMessage } from '@millrace/wire';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { insert, ReplaySite, t } from '../../test/replay-site.ts';
import { messagesOf } from '../../test/test-batches.ts';
import { makeReplay } from '../replay.ts';

/** A process has 10 seconds. */
const limitMs = 8000;
const copy = { id: 4, attempt: 1, tick: 1, rows: 300, value: 'copied' };
/** A table with rows is loaded beside. */
const staged = { directBytes: 0, partBytes: 1500, sessions: 2 };

let site: ReplaySite;
let blocker: PgClient;

beforeEach(async () => {
  site = await ReplaySite.open();
  blocker = await connect(site.subscriber.url, { applicationName: 'blocker' });
});

afterEach(async () => {
  await blocker.end();
  await site.close();
});

async function giveCopy(copies: object): Promise<void> {
  if (copies === staged) await site.client.query("INSERT INTO t VALUES (7777, 'old')");
  await site.requestCopy(copy.id);
  await site.publishCopy(copy);
}

async function block(table: string, mode: string): Promise<void> {
  await blocker.query(`BEGIN; LOCK TABLE ${table} IN ${mode} MODE`);
}

/** Waits until a session of the replay is in this state. */
async function seen(condition: string): Promise<void> {
  await eventually(async () =>
    expect(
      await site.rows(`SELECT FROM pg_stat_activity WHERE datname = current_database()
        AND application_name LIKE 'millrace replay%' AND ${condition} LIMIT 1`),
    ).toHaveLength(1),
  );
}

const isBlocked = () => seen("wait_event_type = 'Lock'");

async function stopsInTime(service: Service): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<string>();
  const timer = setTimeout(resolve, limitMs, 'late');
  expect(await Promise.race([service.stop().then(() => 'stopped'), late])).toBe('stopped');
  clearTimeout(timer);
}

test.each([
  { step: 'it reads what is loaded', table: 'millrace.copy_part', mode: 'ACCESS EXCLUSIVE', copies: {} },
  { step: 'the copy begins', table: 'millrace.subscribed_table', mode: 'SHARE', copies: {} },
  { step: 'rows go into the table', table: 't', mode: 'SHARE', copies: {} },
  { step: 'the copy is made visible', table: 'millrace.source_column', mode: 'SHARE', copies: {} },
  { step: 'the stage is made', table: 'millrace.copy_part', mode: 'SHARE', copies: staged },
  { step: 'the stage is merged', table: 't', mode: 'SHARE', copies: staged },
  { step: 'the stored changes are applied', table: 'millrace.pending', mode: 'SHARE', copies: {} },
])('a stop while $step takes effect although the server does not answer', async ({ table, mode, copies }) => {
  await giveCopy(copies);
  await block(table, mode);
  const options = { copies: { ...site.options.copies, ...copies } };
  const service = await site.start(options);
  await isBlocked();
  await stopsInTime(service);
  await blocker.query('COMMIT');
  await site.start(options);
  await site.isOk();
  expect((await site.ids()).length).toBe(copy.rows);
});

test('a stop while a refused table is put on hold takes effect although the server does not answer', async () => {
  await site.client.query("ALTER TABLE t ADD CONSTRAINT short CHECK (v <> 'copied')");
  await site.requestCopy(copy.id);
  await site.publishCopy(copy);
  await block('millrace.pending', 'SHARE');
  const service = await site.start();
  await isBlocked();
  await stopsInTime(service);
  await blocker.query('COMMIT');
  await site.start();
  await eventually(async () => expect((await site.reported()).tables).toMatchObject([{ state: 'held' }]));
});

test.each([
  { step: 'it reads what is loaded', table: 'millrace.copy_part', mode: 'ACCESS EXCLUSIVE', copies: {} },
  { step: 'the stage is merged', table: 't', mode: 'SHARE', copies: staged },
])('a table that is removed while $step does not keep replay from its batches', async ({ table, mode, copies }) => {
  await giveCopy(copies);
  await block(table, mode);
  await site.start({ copies: { ...site.options.copies, ...copies } });
  await isBlocked();
  await unfollowTable(site.client, site.queue, t);
  await site.publish({ from: 1, sections: [insert('1,a')] });
  await site.isAt(2);
});

test('starts and stops in any order, with a copy under way, lose nothing of it', async () => {
  await giveCopy(staged);
  const disarm = armFailpoints('replay.copy-chunk=delay:100;replay.copy-part=delay:100');
  const options = { ...site.options, copies: staged };
  await startStopStress(() => makeReplay(options), { rounds: 8, limitMs });
  disarm();
  await site.start(options);
  await site.isOk();
  expect((await site.ids()).length).toBe(copy.rows);
});

test('a stop while the rest of a large batch does not come takes effect, and the batch is applied later', async () => {
  const records = Array.from({ length: 3000 }, (_, n) => `${n},value ${n}`);
  const chunks = messagesOf({ queue: site.queue, from: 1, sections: [insert(...records)], chunkBytes: 1000 }).map(
    ({ header, body }) => encodeMessage(header, [body]),
  );
  const options = { wholeBytes: 2000, chunkTimeoutMs: 60_000 };
  await site.put(batchSubject(site.queue), chunks.slice(0, 10));
  const service = await site.start(options);
  await seen("state = 'active' AND wait_event = 'ClientRead' AND query LIKE 'COPY%'");
  await stopsInTime(service);
  await site.put(batchSubject(site.queue), chunks.slice(10));
  await site.start(options);
  await site.isAt(2);
  expect((await site.ids()).length).toBe(3000);
});

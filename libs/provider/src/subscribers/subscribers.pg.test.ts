import { codes } from '@millrace/errors';
import { inSession } from '@millrace/postgres';
import { describe, expect, onTestFinished, test } from 'vitest';
import { session, value } from '../../test/owned-database.ts';
import { newest, put, queue, queueFixture, readBatch } from '../../test/queue-fixture.ts';
import {
  beginCopy,
  cancelCopies,
  createSet,
  dropSet,
  finishCopy,
  forceTick,
  lastTick,
  listQueues,
  listSets,
  listSubscribers,
  noteCopyProgress,
  openCopyRequests,
  pinTick,
  readAudit,
  readProviderOverview,
  registerSubscriber,
  reportPosition,
  reportService,
  requestCopy,
  tick,
  unregisterSubscriber,
  writeAudit,
} from '../mod.ts';

const options = { applicationName: 'provider test' };
const entry = { schema: 'public', name: 'entry' };

describe.each([15, 18])('on PostgreSQL %i', (major) => {
  test('a set is made once by twenty sessions at once', async () => {
    const { client, url } = await queueFixture(major);
    const made = await Promise.all(
      Array.from({ length: 20 }, () => inSession(url, options, (c) => createSet(c, 'other'))),
    );
    expect(made.filter(Boolean)).toHaveLength(1);
    expect((await listSets(client)).map((s) => s.queue)).toEqual(['main', 'other']);
    expect(await dropSet(client, 'other')).toBe(true);
    expect(await dropSet(client, 'other')).toBe(false);
    expect(
      await value(client, `SELECT count(*) FROM pg_tables WHERE schemaname = 'pgq' AND tablename LIKE 'event%'`),
    ).toBe('5');
  });

  test('a subscriber is registered once by twenty sessions at once, and all get the same position', async () => {
    const { client, url } = await queueFixture(major);
    const got = await Promise.all(
      Array.from({ length: 20 }, () => inSession(url, options, (c) => registerSubscriber(c, queue, 'eu'))),
    );
    expect(new Set(got.map((p) => `${p.tick} ${p.fingerprint}`)).size).toBe(1);
    expect(await listSubscribers(client, queue)).toEqual([{ name: 'eu', ...got[0], reportedAt: null }]);
    await expect(registerSubscriber(client, 'nosuch', 'eu')).rejects.toMatchObject({ code: codes.NOT_FOUND });
    await expect(registerSubscriber(client, queue, '')).rejects.toMatchObject({ code: codes.USAGE });
    expect(await unregisterSubscriber(client, queue, 'eu')).toBe(true);
    expect(await unregisterSubscriber(client, queue, 'eu')).toBe(false);
    expect(await value(client, 'SELECT count(*) FROM pgq.consumer')).toBe('0');
  });

  test('PgQ consumers of one new name are registered at once without an error', async () => {
    const { client, url } = await queueFixture(major);
    const register = (c: Parameters<typeof value>[0]) =>
      value<number>(c, `SELECT pgq.register_consumer('main', 'new')`);
    const got = await Promise.all(Array.from({ length: 20 }, () => inSession(url, options, register)));
    expect(got.filter((n) => n === 1)).toHaveLength(1);
    expect(await value(client, `SELECT pgq.unregister_consumer('main', 'new')`)).toBe(1);
  });

  test('a report moves the record forward and never back', async () => {
    const { client } = await queueFixture(major);
    const at = await registerSubscriber(client, queue, 'eu');
    const second = await forceTick(client, queue);
    const third = await forceTick(client, queue);
    expect(await reportPosition(client, queue, 'eu', third)).toBe('ok');
    expect(await reportPosition(client, queue, 'eu', second)).toBe('ok');
    expect(await reportPosition(client, queue, 'eu', at)).toBe('ok');
    const [record] = await listSubscribers(client, queue);
    expect(record).toMatchObject({ tick: third.tick, fingerprint: third.fingerprint });
    expect(await value(client, 'SELECT sub_last_tick FROM pgq.subscription')).toBe(String(third.tick));
  });

  test('a report of another history is reported as what it is', async () => {
    const { client } = await queueFixture(major);
    const at = await registerSubscriber(client, queue, 'eu');
    const last = await forceTick(client, queue);
    const other = 'f'.repeat(32);
    expect(await reportPosition(client, queue, 'eu', { tick: last.tick, fingerprint: other })).toBe('history');
    expect(await reportPosition(client, queue, 'eu', { tick: last.tick + 1, fingerprint: other })).toBe('ahead');
    expect(await reportPosition(client, queue, 'nosuch', last)).toBe('unregistered');
    expect(await reportPosition(client, queue, 'eu', last)).toBe('ok');
    await client.query('DELETE FROM pgq.tick WHERE tick_id = $1', [at.tick]);
    expect(await reportPosition(client, queue, 'eu', at)).toBe('unknown');
    const later = [await forceTick(client, queue), await forceTick(client, queue)];
    await client.query('DELETE FROM pgq.tick WHERE tick_id = $1', [later[0]?.tick]);
    expect(await reportPosition(client, queue, 'eu', { tick: later[0]?.tick ?? 0, fingerprint: other })).toBe(
      'history',
    );
  });

  test('a subscriber whose consumer was taken away is at a tick no longer kept, not of another history', async () => {
    const { client } = await queueFixture(major);
    const at = await registerSubscriber(client, queue, 'eu');
    await forceTick(client, queue);
    await client.query(`DELETE FROM pgq.subscription; DELETE FROM pgq.tick WHERE tick_id <= ${at.tick}`);
    expect(await reportPosition(client, queue, 'eu', at)).toBe('unknown');
  });

  test('a pinned tick shows every table exactly as of it, while others write and tick', async () => {
    const { client, url, open } = await queueFixture(major);
    await client.query('CREATE TABLE public.entry (id serial PRIMARY KEY)');
    const add = `WITH row AS (INSERT INTO public.entry DEFAULT VALUES RETURNING id)
      SELECT pgq.insert_event('main', 't', id::text) FROM row`;
    let writing = true;
    const write = async () => {
      const own = await open();
      while (writing) await own.query(add);
    };
    const tickOn = async () => {
      const own = await open();
      while (writing) await tick(own, queue);
    };
    const busy = Promise.all([write(), write(), write(), tickOn()]);
    onTestFinished(() => {
      writing = false;
    });
    for (let round = 0; round < 10; round += 1) {
      const pinned = await pinTick(() => session(url), queue);
      const rows = (await pinned.client.query('SELECT id::text AS id FROM public.entry ORDER BY entry.id')).rows.map(
        (r) => r.id,
      );
      const events = await readBatch(client, 1, pinned.tick);
      expect(events.map(Number).sort((a, b) => a - b)).toEqual(rows.map(Number));
      await pinned.release();
      await pinned.release();
    }
    writing = false;
    await busy;
  });

  test('a snapshot older than the last tick cannot be pinned', async () => {
    const { client, open } = await queueFixture(major);
    const old = await open();
    await old.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
    const snapshot = await value(old, 'SELECT pg_current_snapshot()::text');
    await put(client, 'a');
    await forceTick(client, queue);
    const pin = client.query('SELECT * FROM millrace.insert_pinned_tick($1, $2::pg_snapshot)', [queue, snapshot]);
    await expect(pin).rejects.toMatchObject({ code: 'MR004' });
    const future = client.query('SELECT * FROM millrace.insert_pinned_tick($1, $2::pg_snapshot)', [
      queue,
      '900000000:900000000:',
    ]);
    await expect(future).rejects.toMatchObject({ code: 'MR004' });
    expect(await newest(client)).toBe(2);
  });

  test('a wish for a copy runs its course, and an older attempt can no longer write to it', async () => {
    const { client } = await queueFixture(major);
    const position = await forceTick(client, queue);
    const id = await requestCopy(client, { queue, table: entry, subscribers: ['eu', 'us'] });
    expect(await openCopyRequests(client, queue)).toMatchObject([
      { copyId: id, state: 'wanted', attempt: 0, position: null },
    ]);
    expect((await beginCopy(client, id))?.attempt).toBe(1);
    expect((await beginCopy(client, id))?.attempt).toBe(2);
    const progress = { position, rows: 10, bytes: 100 };
    expect(await noteCopyProgress(client, id, 1, progress)).toBe(false);
    expect(await noteCopyProgress(client, id, 2, progress)).toBe(true);
    expect(await finishCopy(client, id, 2, progress)).toBe(true);
    expect(await openCopyRequests(client, queue)).toEqual([]);
    expect(await beginCopy(client, id)).toBeNull();
  });

  test('no two copies have the same number, not even when the provider has forgotten those before', async () => {
    const { client } = await queueFixture(major);
    const ask = () => requestCopy(client, { queue, table: entry, subscribers: ['eu'] });
    const ids = [await ask(), await ask(), await ask()];
    await requestCopy(client, { queue, table: { ...entry, name: 'other' }, subscribers: ['eu'] });
    expect(await cancelCopies(client, { queue, table: entry, subscribers: ['us'] })).toBe(0);
    expect(await cancelCopies(client, { queue, table: entry, subscribers: ['eu'] })).toBe(3);
    expect((await openCopyRequests(client, queue)).map((one) => one.table.name)).toEqual(['other']);
    await client.query('TRUNCATE millrace.copy_request RESTART IDENTITY');
    ids.push(await ask());
    expect(ids.toSorted((a, b) => a - b)).toEqual(ids);
    expect(new Set(ids).size).toBe(4);
  });

  test('a copy wished for one subscriber alone is cancelled with it', async () => {
    const { client } = await queueFixture(major);
    await registerSubscriber(client, queue, 'eu');
    await requestCopy(client, { queue, table: entry, subscribers: ['eu'] });
    await requestCopy(client, { queue, table: entry, subscribers: ['eu', 'us'] });
    await unregisterSubscriber(client, queue, 'eu');
    expect((await openCopyRequests(client, queue)).map((r) => r.subscribers)).toEqual([['us']]);
  });

  test('services report about themselves, people leave a trace, a queue tells its size', async () => {
    const { client } = await queueFixture(major);
    const report = { queue, service: 'ticker', instance: 'host:1', state: 'running', error: null } as const;
    await reportService(client, report);
    const error = { code: 'provider-history', message: 'restored' };
    await reportService(client, { ...report, state: 'stopped', error });
    const seen = await readProviderOverview(client, queue);
    const { code: errorCode, message: errorMessage } = error;
    expect(seen?.services).toMatchObject([{ service: 'ticker', state: 'stopped', errorCode, errorMessage }]);
    expect(await value(client, 'SELECT instance FROM millrace.service_report')).toBe('host:1');
    await writeAudit(client, queue, 'tried', { n: 1 });
    expect((await readAudit(client, { queue, limit: 1, all: true }))[0]).toMatchObject({
      what: 'tried',
      detail: { n: 1 },
    });
    await put(client, 'a');
    expect(await listQueues(client, queue)).toMatchObject([{ newEvents: 1, lastTick: 1, tickerPaused: false }]);
    expect((await readProviderOverview(client, queue))?.queue?.bytes).toBeGreaterThan(0);
    expect(await listQueues(client, 'nosuch')).toEqual([]);
    expect(await readProviderOverview(client, 'nosuch')).toBeUndefined();
    expect(await lastTick(client, 'nosuch')).toBeNull();
  });
});

import { randomBytes } from 'node:crypto';
import { codes } from '@millrace/errors';
import type { PgClient } from '@millrace/postgres';
import { describe, expect, test } from 'vitest';
import { session, value } from '../../test/owned-database.ts';
import { put, type QueueFixture, queue, queueFixture } from '../../test/queue-fixture.ts';
import {
  beginCopy,
  createSet,
  forceTick,
  intervalsAfter,
  lastTick,
  listQueues,
  listSubscribers,
  openCopyRequests,
  pinTick,
  registerSubscriber,
  reportPosition,
  reportService,
  requestCopy,
  runMaintenance,
  tick,
  writeAudit,
} from '../mod.ts';

/** The URL of a login role that is a member of these group roles only. */
async function member(fixture: QueueFixture, groups: readonly string[]): Promise<string> {
  const name = `member_${randomBytes(5).toString('hex')}`;
  const superuser = await fixture.openSuperuser();
  await superuser.query(`CREATE ROLE ${name} LOGIN PASSWORD 'secret'`);
  for (const group of groups) await superuser.query(`GRANT ${group} TO ${name}`);
  const url = new URL(fixture.url);
  url.username = name;
  return url.href;
}

const denied = { code: codes.PERMISSION };
const call = (client: PgClient, sql: string) => expect(client.query(sql)).rejects.toMatchObject({ code: '42501' });

describe.each([15, 18])('on PostgreSQL %i', (major) => {
  test('a stranger sees the queues and nothing else', async () => {
    const fixture = await queueFixture(major);
    const client = await session(await member(fixture, []));
    expect(await value(client, 'SELECT queue_name FROM pgq.get_queue_info()')).toBe(queue);
    expect(await value(client, 'SELECT count(*) FROM pgq.queue')).toBe('1');
    expect(await value(client, 'SELECT millrace.token()')).toMatch(/^mr1\.[A-Za-z0-9_-]+$/);
    for (const sql of [
      `SELECT pgq.insert_event('main', 't', 'x')`,
      `SELECT pgq.ticker('main')`,
      `SELECT pgq.next_batch('main', 'c')`,
      `SELECT * FROM millrace.tick('main')`,
      'SELECT * FROM millrace.set',
      'SELECT millrace.timeline()',
      'SELECT * FROM pgq.event_1',
      'SELECT * FROM pgq.event_1_0',
      `INSERT INTO pgq.event_1_0 (ev_time) VALUES (now())`,
      `SELECT millrace.drop_set('main')`,
      `SELECT millrace.unread_1(1, '{}')`,
    ]) {
      await call(client, sql);
    }
  });

  test('a ticker ticks, rotates and reports; it reads no events and changes no set', async () => {
    const fixture = await queueFixture(major);
    const client = await session(await member(fixture, ['millrace_ticker']));
    await put(fixture.client, 'a');
    expect((await tick(client, queue))?.tick).toBe(2);
    await fixture.client.query(`UPDATE pgq.queue SET queue_switch_time = queue_switch_time - interval '1 day'`);
    expect((await runMaintenance(client)).map((o) => o.result)).toEqual(['done', 'done']);
    await reportService(client, { queue, service: 'ticker', instance: 'x', state: 'running', error: null });
    expect(await listSubscribers(client, queue)).toEqual([]);
    await call(client, 'SELECT * FROM pgq.event_1');
    await call(client, `SELECT pgq.insert_event('main', 't', 'x')`);
    await expect(createSet(client, 'other')).rejects.toMatchObject(denied);
    await expect(registerSubscriber(client, queue, 'eu')).rejects.toMatchObject(denied);
  });

  test('capture reads batches, pins ticks, does copies and reports positions; it writes no events', async () => {
    const fixture = await queueFixture(major);
    const url = await member(fixture, ['millrace_capture']);
    const client = await session(url);
    await registerSubscriber(fixture.client, queue, 'eu');
    await requestCopy(fixture.client, { queue, table: { schema: 'public', name: 'entry' }, subscribers: ['eu'] });
    await put(fixture.client, 'a');
    await forceTick(fixture.client, queue);
    const [next] = await intervalsAfter(client, queue, 2, 1);
    if (next === undefined) throw new Error('no tick');
    expect((await client.query(next.sql)).rows).toHaveLength(1);
    expect(await reportPosition(client, queue, 'eu', next.tick)).toBe('ok');
    await (await pinTick(() => session(url), queue)).release();
    const [wish] = await openCopyRequests(client, queue);
    expect((await beginCopy(client, wish?.copyId ?? 0))?.attempt).toBe(1);
    expect((await lastTick(client, queue))?.tick).toBe(4);
    expect(await listQueues(client, queue)).toMatchObject([{ lastTick: 4 }]);
    await call(client, `SELECT pgq.insert_event('main', 't', 'x')`);
    await call(client, 'DELETE FROM pgq.event_1');
    await call(client, 'UPDATE pgq.tick SET tick_id = 1');
    await expect(tick(client, queue)).rejects.toMatchObject(denied);
  });

  test('capture reads the events of a queue made after the roles', async () => {
    const fixture = await queueFixture(major);
    const client = await session(await member(fixture, ['millrace_capture']));
    await createSet(fixture.client, 'later');
    await fixture.client.query(`SELECT pgq.insert_event('later', 't', 'x')`);
    await forceTick(fixture.client, 'later');
    expect((await client.query((await intervalsAfter(client, 'later', 1, 1))[0]?.sql ?? '')).rows).toHaveLength(1);
  });

  test('an owner does what admin does, in its own name in the audit', async () => {
    const fixture = await queueFixture(major);
    const url = await member(fixture, ['millrace_owner']);
    const client = await session(url);
    expect(await createSet(client, 'other')).toBe(true);
    await registerSubscriber(client, 'other', 'eu');
    await requestCopy(client, { queue: 'other', table: { schema: 'public', name: 'entry' }, subscribers: ['eu'] });
    expect(await value(client, 'SELECT who FROM millrace.audit ORDER BY id DESC LIMIT 1')).toBe(new URL(url).username);
    await writeAudit(client, 'other', 'add', { tables: ['public.entry'] });
    expect(await value(client, 'SELECT what FROM millrace.audit ORDER BY id DESC LIMIT 1')).toBe('add');
    await call(client, 'UPDATE millrace.set SET queue_id = 7');
    await call(client, 'DELETE FROM millrace.audit');
  });

  test('an application sees the set and the last tick, and may not tick', async () => {
    const fixture = await queueFixture(major);
    const client = await session(await member(fixture, ['millrace_app']));
    expect((await lastTick(client, queue))?.tick).toBe(1);
    expect(await listSubscribers(client, queue)).toEqual([]);
    await expect(forceTick(client, queue)).rejects.toMatchObject(denied);
    await call(client, 'SELECT * FROM millrace.copy_request');
  });

  test('PgQ readers read, writers write, admins do both', async () => {
    const fixture = await queueFixture(major);
    const reader = await session(await member(fixture, ['pgq_reader']));
    const writer = await session(await member(fixture, ['pgq_writer']));
    const admin = await session(await member(fixture, ['pgq_admin']));
    await admin.query(`SELECT pgq.create_queue('jobs'), pgq.set_queue_config('jobs', 'ticker_max_lag', '0')`);
    expect(await value(reader, `SELECT pgq.register_consumer('jobs', 'c')`)).toBe(1);
    expect(await value(writer, `SELECT pgq.insert_event('jobs', 't', 'x')`)).toBe('1');
    expect(await value(admin, `SELECT pgq.ticker('jobs')`)).toBe('2');
    const batch = await value(reader, `SELECT pgq.next_batch('jobs', 'c')`);
    expect(await value(reader, `SELECT ev_data FROM pgq.get_batch_events(${batch})`)).toBe('x');
    await call(reader, `SELECT pgq.insert_event('jobs', 't', 'x')`);
    await call(reader, `SELECT pgq.ticker('jobs')`);
    await call(writer, `SELECT pgq.next_batch('jobs', 'c')`);
    await call(writer, 'SELECT * FROM pgq.event_2');
    await reader.query('BEGIN');
    expect(await value(reader, `SELECT ev_data FROM pgq.get_batch_cursor(${batch}, 'c', 10, 'true')`)).toBe('x');
    await reader.query('COMMIT');
    // What a reader adds to a batch's condition runs as the reader.
    await reader.query('BEGIN');
    await call(reader, `SELECT * FROM pgq.get_batch_cursor(${batch}, 'd', 10, 'EXISTS (SELECT FROM pgq.retry_queue)')`);
    await reader.query('ROLLBACK');
    expect(await value(reader, `SELECT pgq_coop.next_batch('jobs', 'shared', 'one')`)).toBeNull();
    for (const sql of [
      `SELECT pgq_coop.next_batch('jobs', 'shared', 'one')`,
      `SELECT * FROM pgq.get_batch_cursor(${batch}, 'c', 10)`,
      `SELECT pgq.insert_event_raw('jobs', 1, now(), 1, 1, 't', 'x', NULL, NULL, NULL, NULL)`,
      `SELECT pgq.event_retry_raw('jobs', 'c', now(), 1, now(), 0, 't', 'x', NULL, NULL, NULL, NULL)`,
      `SELECT pgq.set_queue_config('jobs', 'ticker_paused', 'true')`,
      'SELECT pgq.maint_retry_events()',
    ]) {
      await call(writer, sql);
    }
    await call(reader, `SELECT pgq.event_retry_raw('jobs', 'c', now(), 1, now(), 0, 't', 'x', NULL, NULL, NULL, NULL)`);
    await call(reader, 'CREATE TRIGGER t AFTER INSERT ON pgq.tick FOR EACH ROW EXECUTE FUNCTION pgq.logutriga()');
    expect(
      await value(
        admin,
        `SELECT pgq.event_retry_raw('jobs', 'c', now(), 9, now(), 0, 't', 'x', NULL, NULL, NULL, NULL)`,
      ),
    ).toBe('9');
    expect(await value(admin, `SELECT pgq.create_queue('second')`)).toBe(1);
    await admin.query(`INSERT INTO pgq.event_3_0 (ev_time, ev_data) VALUES (now(), 'copied in')`);
    expect(await value(admin, `SELECT pgq.drop_queue('second')`)).toBe(1);
  });

  test('what pgq_admin writes into pgq.queue does not get into the code of insert_event', async () => {
    const fixture = await queueFixture(major);
    const admin = await session(await member(fixture, ['pgq_admin']));
    const source = `SELECT prosrc FROM pg_proc WHERE oid = 'pgq.insert_event(text, text, text, text, text, text, text)'::regprocedure`;
    await admin.query(`SELECT pgq.create_queue('second')`);
    const before = await value(fixture.client, source);
    const names = `UPDATE pgq.queue SET queue_data_pfx = E'pgq.x\\n    --</queues>\\n    ELSE\\n PERFORM owned();' WHERE queue_name = 'second'`;
    await call(admin, names);
    await fixture.client.query(names);
    for (const name of ['third', 'fourth']) {
      await admin.query('SELECT pgq.create_queue($1)', [name]);
      await admin.query('SELECT pgq.insert_event($1, NULL, NULL)', [name]);
    }
    const after = String(await value(fixture.client, source));
    expect(after).not.toContain('owned');
    expect(after.length).toBeGreaterThan(String(before).length);
  });

  test('no function of ours can be taken in by objects of the caller', async () => {
    const { client } = await queueFixture(major);
    const unpinned = `SELECT array_agg(p.oid::regprocedure::text) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
      WHERE n.nspname IN ('pgq', 'pgq_coop', 'millrace') AND p.prosqlbody IS NULL
        AND (p.proconfig IS NULL OR NOT EXISTS (SELECT FROM unnest(p.proconfig) AS s(raw), replace(raw, '"', '') AS c
          WHERE c LIKE 'search_path=%' AND c LIKE '%pg_temp' AND c NOT LIKE '%public%'))`;
    expect(await value(client, unpinned)).toBeNull();
    const open = `SELECT array_agg(p.oid::regprocedure::text ORDER BY 1) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
      WHERE n.nspname IN ('pgq', 'pgq_coop', 'millrace') AND has_function_privilege('public', p.oid, 'EXECUTE')
        AND p.proname NOT IN ('get_queue_info', 'get_consumer_info', 'seq_getval', 'quote_fqname', 'version', 'token')`;
    expect(await value(client, open)).toBeNull();
    // A table of the same name in the caller's pg_temp is not asked.
    await client.query('CREATE TEMP TABLE tick (tick_id bigint)');
    await client.query('CREATE TEMP TABLE queue (queue_id int)');
    expect((await forceTick(client, queue)).tick).toBe(2);
  });
});

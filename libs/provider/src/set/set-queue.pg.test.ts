// The queue of a set is Millrace's: roles that may use queues cannot write to it, read it, or change who consumes it.
import { randomBytes } from 'node:crypto';
import type { PgClient } from '@millrace/postgres';
import { describe, expect, test } from 'vitest';
import { session, value } from '../../test/owned-database.ts';
import { type QueueFixture, queue, queueFixture } from '../../test/queue-fixture.ts';
import { createSet, forceTick, installProvider, registerSubscriber } from '../mod.ts';

/** A session of a login role that is a member of this group only. */
async function member(fixture: QueueFixture, group: string): Promise<PgClient> {
  const name = `member_${randomBytes(5).toString('hex')}`;
  await (await fixture.openSuperuser()).query(`CREATE ROLE ${name} LOGIN PASSWORD 'secret' IN ROLE ${group}`);
  const url = new URL(fixture.url);
  url.username = name;
  return session(url.href);
}

const consumer = 'millrace.eu';
const refused = (client: PgClient, sql: string) =>
  expect(client.query(sql), sql).rejects.toMatchObject({ code: '42501' });

/** Everything that pgq_admin, who is all of pgq's roles, might do to the queue `main`. */
const attempts = [
  `SELECT pgq.insert_event('main', 'U', '(U,1,x,)')`,
  `SELECT pgq.insert_event('main', 'U', '(U,1,x,)', '["public","t"]', '["id"]', '["id"]', '1')`,
  `SELECT pgq.insert_event_raw('main', 1, now(), NULL, NULL, 'U', 'x', NULL, NULL, NULL, NULL)`,
  `SELECT pgq.current_event_table('main')`,
  `SELECT pgq.register_consumer('main', 'spy')`,
  `SELECT pgq.register_consumer_at('main', '${consumer}', 2)`,
  `SELECT pgq_coop.register_subconsumer('main', '${consumer}', 'spy')`,
  `SELECT pgq.unregister_consumer('main', '${consumer}')`,
  `SELECT pgq_coop.unregister_subconsumer('main', 'millrace', 'eu', 1)`,
  `SELECT pgq.next_batch('main', '${consumer}')`,
  `SELECT pgq.next_batch_custom('main', '${consumer}', NULL, NULL, NULL)`,
  `SELECT pgq_coop.next_batch('main', '${consumer}', 'spy')`,
  `SELECT pgq.event_retry_raw('main', '${consumer}', now(), 1, now(), 0, 'U', 'x', NULL, NULL, NULL, NULL)`,
  `SELECT pgq.force_tick('main')`,
  `SELECT pgq.set_queue_config('main', 'ticker_paused', 'true')`,
  `SELECT pgq.drop_queue('main', true)`,
  `SELECT pgq.repair_queue('main')`,
  `SELECT pgq.seq_setval('pgq.event_1_id_seq', 1000000)`,
  `SELECT nextval('pgq.event_1_id_seq')`,
  'SELECT * FROM pgq.event_1',
  'SELECT * FROM pgq.event_1_0',
  'TRUNCATE pgq.event_1_0',
  `INSERT INTO pgq.event_1_0 (ev_time, ev_type) VALUES (now(), 'T')`,
  `UPDATE pgq.queue SET queue_ticker_paused = true WHERE queue_name = 'main'`,
  `UPDATE pgq.queue SET queue_data_pfx = 'pgq.event_1' WHERE queue_name = 'jobs'`,
  `UPDATE pgq.queue SET queue_event_seq = 'pgq.event_1_id_seq' WHERE queue_name = 'jobs'`,
  `DELETE FROM pgq.subscription WHERE sub_queue = 1`,
  `UPDATE pgq.subscription SET sub_last_tick = 99 WHERE sub_queue = 1`,
  `UPDATE pgq.subscription SET sub_queue = 1 WHERE sub_queue = 2`,
  `INSERT INTO pgq.tick (tick_queue, tick_id, tick_event_seq) VALUES (1, 99, 99)`,
  `DELETE FROM pgq.tick WHERE tick_queue = 1`,
  `UPDATE pgq.consumer SET co_name = 'mine' WHERE co_name = '${consumer}'`,
  `INSERT INTO pgq.retry_queue (ev_retry_after, ev_queue, ev_id, ev_time, ev_owner) SELECT now(), 1, 1, now(), sub_id FROM pgq.subscription`,
];

describe.each([15, 18])('on PostgreSQL %i', (major) => {
  test('no role of PgQ writes, reads or changes the queue of a set; other queues are as they were', async () => {
    const fixture = await queueFixture(major);
    const { client } = fixture;
    await registerSubscriber(client, queue, 'eu');
    const [writer, reader, admin] = await Promise.all(
      ['pgq_writer', 'pgq_reader', 'pgq_admin'].map((group) => member(fixture, group)),
    );
    if (writer === undefined || reader === undefined || admin === undefined) throw new Error('no session');
    await admin.query(`SELECT pgq.create_queue('jobs'), pgq.register_consumer('jobs', 'c')`);
    for (const sql of attempts) await refused(admin, sql);
    await refused(writer, attempts[0] ?? '');
    await refused(reader, `SELECT pgq.unregister_consumer('main', '${consumer}')`);
    // A right to the common parent reaches the rows of queues that stand below it.
    await client.query(`SELECT pgq.insert_event('main', 'U', 'a row of a table')`);
    await admin.query(`SELECT pgq.insert_event('jobs', 'U', 'a job')`);
    for (const who of [admin, reader])
      expect(await value(who, 'SELECT string_agg(ev_data, $1) FROM pgq.event_template', [','])).toBe('a job');
    await admin.query('TRUNCATE pgq.event_template');
    expect(await value(client, 'SELECT count(*) FROM pgq.event_1')).toBe('1');
    await admin.query('SELECT pgq.maint_retry_events()');
    await admin.query(`UPDATE pgq.queue SET queue_ticker_paused = true WHERE queue_name = 'jobs'`);
    await admin.query(`DELETE FROM pgq.subscription WHERE sub_queue = 2; DELETE FROM pgq.consumer WHERE co_name = 'c'`);
  });

  test('who has a batch of it open from before reads no events of it, and a queue that becomes a set is closed', async () => {
    const fixture = await queueFixture(major);
    const { client } = fixture;
    const admin = await member(fixture, 'pgq_admin');
    await admin.query(`SELECT pgq.create_queue('later'), pgq.register_consumer('later', 'spy')`);
    await admin.query(`SELECT pgq.insert_event('later', 't', 'x')`);
    await forceTick(client, 'later');
    const batch = await value(admin, `SELECT pgq.next_batch('later', 'spy')`);
    await createSet(client, 'later');
    for (const sql of [
      `SELECT * FROM pgq.get_batch_events(${batch})`,
      `SELECT * FROM pgq.get_batch_cursor(${batch}, 'c', 1)`,
      `SELECT pgq.batch_retry(${batch}, 1)`,
      `SELECT pgq.event_retry(${batch}, 1, 1)`,
      `SELECT pgq.finish_batch(${batch})`,
      'SELECT * FROM pgq.event_2_0',
    ])
      await refused(admin, sql);
    const operator = await member(fixture, 'millrace_owner');
    expect(await value(operator, 'SELECT ev_data FROM pgq.event_2')).toBe('x');
  });

  test('an installation closes the queue of a set that an earlier version left open', async () => {
    const fixture = await queueFixture(major);
    const { client } = fixture;
    await client.query(`GRANT SELECT, INSERT, TRUNCATE ON pgq.event_1, pgq.event_1_0 TO pgq_admin, PUBLIC;
      GRANT USAGE ON SEQUENCE pgq.event_1_id_seq TO pgq_admin; ALTER TABLE pgq.event_1 INHERIT pgq.event_template`);
    await installProvider(client);
    const admin = await member(fixture, 'pgq_admin');
    for (const sql of [...attempts.filter((one) => one.includes('event_1_0')), `SELECT nextval('pgq.event_1_id_seq')`])
      await refused(admin, sql);
    expect(await value(admin, 'SELECT count(*) FROM pgq.event_template')).toBe('0');
  });
});

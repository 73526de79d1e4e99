import type { PgClient } from '@millrace/postgres';
import { eventually } from '@millrace/testkit';
import { describe, expect, test } from 'vitest';
import { type OwnedDatabase, ownedDatabase, value } from '../../test/owned-database.ts';
import { installProvider } from '../mod.ts';

/** An installed provider with a queue `q` that ticks whenever it is asked, and a consumer `c`. */
async function pgq(major: number): Promise<{ client: PgClient; database: OwnedDatabase }> {
  const database = await ownedDatabase(major);
  const client = await database.open();
  await installProvider(client);
  await client.query(`SELECT pgq.create_queue('q'), pgq.register_consumer('q', 'c')`);
  await client.query(`UPDATE pgq.queue SET queue_ticker_max_lag = '0', queue_ticker_idle_period = '0'`);
  return { client, database };
}

const put = (client: PgClient, data: string) => value(client, `SELECT pgq.insert_event('q', 't', $1)`, [data]);
const tick = (client: PgClient) => value(client, `SELECT pgq.ticker('q')`);
const next = (client: PgClient, consumer = 'c') => value(client, `SELECT pgq.next_batch('q', $1)`, [consumer]);
const finish = (client: PgClient, batch: string) => value(client, 'SELECT pgq.finish_batch($1)', [batch]);

async function events(client: PgClient, batch: string): Promise<string[]> {
  const rows = (await client.query('SELECT ev_data FROM pgq.get_batch_events($1)', [batch])).rows;
  return rows.map((row) => row.ev_data as string);
}

const fails = (client: PgClient, sql: string, message: string | RegExp) =>
  expect(client.query(sql)).rejects.toThrow(message);

describe.each([15, 18])('on PostgreSQL %i', (major) => {
  test('a queue is made once, and dropped when nobody is attached or by force', async () => {
    const { client } = await pgq(major);
    expect(await value(client, `SELECT pgq.create_queue('tmp')`)).toBe(1);
    expect(await value(client, `SELECT pgq.create_queue('tmp')`)).toBe(0);
    expect(await value(client, `SELECT pgq.register_consumer('tmp', 'c')`)).toBe(1);
    expect(await value(client, `SELECT pgq.register_consumer('tmp', 'c')`)).toBe(0);
    await fails(client, `SELECT pgq.drop_queue('tmp')`, 'cannot drop queue, consumers still attached');
    expect(await value(client, `SELECT pgq.unregister_consumer('tmp', 'c')`)).toBe(1);
    expect(await value(client, `SELECT pgq.unregister_consumer('tmp', 'c')`)).toBe(0);
    expect(await value(client, `SELECT pgq.drop_queue('tmp')`)).toBe(1);
    expect(await value(client, `SELECT pgq.drop_queue('q', true)`)).toBe(1);
    expect(await value(client, 'SELECT count(*) FROM pgq.consumer')).toBe('0');
    await fails(client, `SELECT pgq.drop_queue('q')`, 'No such event queue');
    await fails(client, 'SELECT pgq.create_queue(NULL)', 'Invalid NULL value');
    await fails(client, `SELECT pgq.register_consumer('q', 'c')`, 'Event queue not created yet');
  });

  test('events go into the right table while queues are made, rotated and dropped by others', async () => {
    const { client, database } = await pgq(major);
    const other = await database.open();
    const into = (name: string, data: string) => value(other, `SELECT pgq.insert_event($1, 't', $2)`, [name, data]);
    const where = async () => {
      const { rows } = await client.query(
        `SELECT replace(tableoid::regclass::text, '"', '') AS t, ev_data FROM pgq.event_template ORDER BY ev_data`,
      );
      return rows.map((row) => `${row.t} ${row.ev_data}`);
    };
    await into('q', 'a');
    await client.query(`SELECT pgq.create_queue('n' || i) FROM generate_series(2, 18) i`);
    await into('n2', 'b');
    await into('n18', 'c');
    await into('q', 'd');
    await client.query(`UPDATE pgq.queue SET queue_switch_time = '-infinity'`);
    for (const name of ['n2', 'n18']) await client.query('SELECT pgq.maint_rotate_tables_step1($1)', [name]);
    await into('n2', 'e');
    await into('n18', 'f');
    await client.query(`SELECT pgq.drop_queue('n3')`);
    await into('n2', 'g');
    const tables = ['1_0 a', '2_0 b', '18_0 c', '1_0 d', '2_1 e', '18_1 f', '2_1 g'];
    expect(await where()).toEqual(tables.map((line) => `pgq.event_${line}`));
    await expect(into('n3', 'h')).rejects.toThrow('No such queue');
    const many = await Promise.all(Array.from({ length: 4 }, () => database.open()));
    await Promise.all(many.map((one, n) => one.query(`SELECT pgq.create_queue('m${n}'), pgq.drop_queue('n${n + 5}')`)));
    await installProvider(client);
    await into('n18', 'i');
    expect((await where()).at(-1)).toBe('pgq.event_18_1 i');
  });

  test('batches come one by one, again until they are finished, empty ones too', async () => {
    const { client } = await pgq(major);
    expect(await next(client)).toBeNull();
    expect(await tick(client)).toBe('2');
    expect([await next(client), await next(client)]).toEqual(['1', '1']);
    const info = (await client.query('SELECT * FROM pgq.get_batch_info(1)')).rows[0];
    expect(info).toMatchObject({ queue_name: 'q', consumer_name: 'c', prev_tick_id: '1', tick_id: '2' });
    expect(await events(client, '1')).toEqual([]);
    expect([await finish(client, '1'), await finish(client, '1')]).toEqual([1, 0]);
    await put(client, 'a');
    await client.query(`SELECT pgq.insert_event('q', 't', 'b', '1', '2', '3', '4')`);
    await tick(client);
    expect(await next(client)).toBe('2');
    const [, b] = (await client.query('SELECT * FROM pgq.get_batch_events(2)')).rows;
    expect(b).toMatchObject({ ev_id: '2', ev_retry: null, ev_data: 'b', ev_extra1: '1', ev_extra4: '4' });
    await fails(client, 'SELECT * FROM pgq.get_batch_events(77)', 'batch not found');
    await fails(client, 'SELECT * FROM pgq.batch_event_tables(77)', 'Cannot find data for batch 77');
    await fails(client, `SELECT pgq.next_batch('q', 'nobody')`, 'Not subscriber to queue: q/nobody');
  });

  test('a batch of chosen size ends at a tick that is enough and not too far', async () => {
    const { client } = await pgq(major);
    const custom = async (lag: string | null, count: number | null, interval: string | null) =>
      (
        await client.query(`SELECT cur_tick_id FROM pgq.next_batch_custom('q', 'c', $1, $2, $3)`, [
          lag,
          count,
          interval,
        ])
      ).rows[0].cur_tick_id;
    for (let i = 0; i < 12; i += 1) {
      await put(client, `${i}`);
      await tick(client);
    }
    expect(await custom('1 hour', null, null)).toBeNull();
    expect(await custom(null, 10_000, null)).toBeNull();
    expect(await custom(null, null, '10 minutes')).toBeNull();
    expect(await custom(null, 12, null)).toBe('13');
    await client.query('UPDATE pgq.subscription SET sub_batch = NULL, sub_next_tick = NULL');
    expect(await custom(null, 3, null)).toBe('4');
  });

  test('a cursor reads a batch of any size in pieces, with a condition of the caller', async () => {
    const { client } = await pgq(major);
    for (const data of ['a', 'b', 'c']) await put(client, data);
    await tick(client);
    const batch = await next(client);
    const cursor = async (limit: number | null, where: string | null = null) =>
      (
        await client.query('SELECT ev_data FROM pgq.get_batch_cursor($1, $2, $3, $4)', [batch, 'cur', limit, where])
      ).rows.map((r) => r.ev_data);
    await client.query('BEGIN');
    expect(await cursor(2)).toEqual(['a', 'b']);
    expect((await client.query('FETCH 10 FROM cur')).rows.map((row) => row.ev_data)).toEqual(['c']);
    await client.query('CLOSE cur');
    expect(await cursor(0)).toEqual([]);
    await client.query('CLOSE cur');
    expect(await cursor(null)).toEqual([]);
    expect(await cursor(5, `ev_data <> 'b' -- not b`)).toEqual(['a', 'c']);
    await client.query('CLOSE cur');
    await client.query('SAVEPOINT s');
    await expect(cursor(5, 'true) AS x; DELETE FROM pgq.tick; SELECT * FROM (SELECT 1')).rejects.toThrow();
    await client.query('ROLLBACK TO s');
    expect(await value(client, 'SELECT count(*) > 0 FROM pgq.tick')).toBe(true);
    await client.query('COMMIT');
  });

  test('an event can be retried, one or the whole batch, and comes back to its consumer alone', async () => {
    const { client } = await pgq(major);
    await client.query(`SELECT pgq.register_consumer('q', 'other')`);
    for (const data of ['a', 'b', 'c']) await put(client, data);
    await tick(client);
    const batch = await next(client);
    expect(await value(client, `SELECT pgq.event_retry(${batch}, 2, 0)`)).toBe(1);
    expect(await value(client, `SELECT pgq.event_retry(${batch}, 2, 0)`)).toBe(0);
    await fails(client, `SELECT pgq.event_retry(${batch}, 99, 0)`, 'event not found');
    expect(await value(client, `SELECT pgq.batch_retry(${batch}, 0)`)).toBe(2);
    await fails(client, 'SELECT pgq.batch_retry(99, 0)', 'batch_retry: batch 99 not found');
    await finish(client, batch);
    expect(
      await value(
        client,
        `SELECT pgq.event_retry_raw('q', 'c', now(), 666, now(), 0, 'raw', 'data', NULL, NULL, NULL, NULL)`,
      ),
    ).toBe('666');
    await fails(
      client,
      `SELECT pgq.event_retry_raw('q', 'nobody', now(), 1, now(), 0, 'raw', 'data', NULL, NULL, NULL, NULL)`,
      'consumer not registered',
    );
    expect([
      await value(client, 'SELECT pgq.maint_retry_events()'),
      await value(client, 'SELECT pgq.maint_retry_events()'),
    ]).toEqual([4, 0]);
    await tick(client);
    const again = await next(client);
    const rows = (await client.query('SELECT ev_data, ev_retry FROM pgq.get_batch_events($1)', [again])).rows;
    expect(rows.map((row) => [row.ev_data, row.ev_retry])).toEqual([
      ['a', 1],
      ['b', 1],
      ['c', 1],
      ['data', 0],
    ]);
    await finish(client, await next(client, 'other'));
    expect(await events(client, await next(client, 'other'))).toEqual([]);
  });

  test('a limit for one transaction counts what it has put in, not what it took back', async () => {
    const { client } = await pgq(major);
    await client.query('UPDATE pgq.queue SET queue_per_tx_limit = 2');
    await client.query('BEGIN');
    await put(client, 'a');
    await client.query('SAVEPOINT s');
    await put(client, 'b');
    await client.query('ROLLBACK TO s');
    await put(client, 'b');
    await expect(put(client, 'c')).rejects.toThrow(`Queue 'q' allows max 2 events from one TX`);
    await client.query('ROLLBACK');
    await client.query('UPDATE pgq.queue SET queue_per_tx_limit = 0');
    await expect(put(client, 'a')).rejects.toThrow('allows max 0 events');
    await client.query('UPDATE pgq.queue SET queue_per_tx_limit = NULL');
    await put(client, 'd');
  });

  test('a queue that takes no events takes those of a replica', async () => {
    const { client, database } = await pgq(major);
    await client.query('UPDATE pgq.queue SET queue_disable_insert = true');
    await expect(put(client, 'a')).rejects.toThrow('Insert into queue disallowed');
    await fails(client, `SELECT pgq.current_event_table('q')`, 'Writing to queue disabled');
    await fails(client, `SELECT pgq.insert_event(NULL, 't', 'x')`, 'Queue name must not be NULL');
    await fails(client, `SELECT pgq.insert_event('none', 't', 'x')`, 'No such queue');
    const replica = await database.openSuperuser();
    await replica.query('SET session_replication_role = replica');
    expect(await put(replica, 'a')).toBe('1');
    expect(await value(replica, `SELECT pgq.current_event_table('q')`)).toBe('pgq.event_1_0');
  });

  test('settings are checked: what would stop a queue or keep it busy for nothing is refused', async () => {
    const { client } = await pgq(major);
    const set = (name: string, text: string | null) =>
      value(client, `SELECT pgq.set_queue_config('q', $1, $2)`, [name, text]);
    for (const [name, text] of [
      ['ticker_max_count', '1'],
      ['ticker_max_lag', '0'],
      ['ticker_idle_period', '1 second'],
      ['rotation_period', '1 hour'],
      ['rotation_period', null],
      ['ticker_paused', 'yes'],
      ['external_ticker', 'off'],
    ] as const) {
      expect(await set(name, text)).toBe(1);
    }
    for (const [name, text] of [
      ['ticker_max_count', '0'],
      ['ticker_max_lag', '-1 s'],
      ['ticker_idle_period', '0'],
      ['rotation_period', '0'],
    ] as const) {
      await expect(set(name, text)).rejects.toMatchObject({ code: '22023' });
    }
    await expect(set('ticker_max_count', 'many')).rejects.toMatchObject({ code: '22P02' });
    await expect(set('ticker_max_count', null)).rejects.toThrow('Invalid NULL value');
    await expect(set('disable_insert', 'true')).rejects.toThrow('cannot change parameter "disable_insert"');
    await fails(client, `SELECT pgq.set_queue_config('none', 'ticker_paused', 'true')`, 'No such event queue');
    await fails(client, `SELECT pgq.ticker('q')`, 'Ticker has been paused for this queue');
  });

  test('ticks of another node are taken in their order, and move both sequences', async () => {
    const { client } = await pgq(major);
    await fails(client, `SELECT pgq.ticker('q', 10, now(), 50)`, 'queue not found or ticker disabled: q');
    await client.query(`SELECT pgq.set_queue_config('q', 'external_ticker', 'true')`);
    expect(await value(client, `SELECT pgq.ticker('q', 10, now(), 50)`)).toBe('10');
    await fails(client, `SELECT pgq.ticker('q', 10, now(), 60)`, 'tick 10 is not after the last one, 10');
    expect(await put(client, 'a')).toBe('51');
    await fails(client, `SELECT pgq.ticker('q')`, 'This queue has external tick source.');
    expect(await value(client, 'SELECT pgq.ticker()')).toBe('0');
  });

  test('force_tick makes the next ticker tick; sequences are read without moving and set forward only', async () => {
    const { client } = await pgq(major);
    await client.query(`UPDATE pgq.queue SET queue_ticker_max_lag = '1 hour', queue_ticker_idle_period = '1 hour'`);
    expect(await tick(client)).toBe('2');
    expect(await tick(client)).toBeNull();
    expect(await value(client, `SELECT pgq.force_tick('q')`)).toBe('2');
    expect(await tick(client)).toBe('3');
    await client.query('CREATE SEQUENCE s');
    const set = (to: number) => value(client, `SELECT pgq.seq_setval('public.s', ${to})`);
    expect(await value(client, `SELECT pgq.seq_getval('s')`)).toBe('1');
    expect([await set(10), await set(5), await set(15)]).toEqual(['10', '10', '15']);
    expect(await value(client, `SELECT pgq.seq_getval('public.s')`)).toBe('15');
  });

  test('a consumer is moved to a tick that exists, and loses its open batch', async () => {
    const { client } = await pgq(major);
    for (const data of ['a', 'b']) {
      await put(client, data);
      await tick(client);
    }
    const batch = await next(client);
    const at = (position: number | null) => value(client, `SELECT pgq.register_consumer_at('q', 'c', $1)`, [position]);
    await expect(at(99)).rejects.toThrow('cannot reposition, tick not found: 99');
    expect(await at(null)).toBe(0);
    expect(await next(client)).toBe(batch);
    expect(await at(2)).toBe(0);
    expect(await finish(client, batch)).toBe(0);
    expect(await events(client, await next(client))).toEqual(['b']);
    const info = (await client.query(`SELECT * FROM pgq.get_consumer_info('q', 'c')`)).rows[0];
    expect(info).toMatchObject({ last_tick: '2', next_tick: '3', pending_events: '1' });
  });

  test("the maintenance list has a queue's own functions, and PgQ's companions where they are", async () => {
    const { client } = await pgq(major);
    await client.query(`CREATE SCHEMA foo; CREATE FUNCTION foo.bar(text) RETURNS int LANGUAGE sql AS 'SELECT 0';
      UPDATE pgq.queue SET queue_extra_maint = ARRAY['baz', 'foo.bar', 'foo.missing']`);
    const list = async () =>
      (await client.query('SELECT func_name, func_arg FROM pgq.maint_operations()')).rows.map((r) => [
        r.func_name,
        r.func_arg,
      ]);
    // A name without a schema, or of no function, is left out: somebody could make the function before it is called.
    expect(await list()).toEqual([['foo.bar', 'q']]);
    await client.query(`CREATE SCHEMA pgq_node; CREATE TABLE pgq_node.node_info (queue_name text, node_type text);
      INSERT INTO pgq_node.node_info VALUES ('q', 'root'), ('b', 'branch');
      CREATE FUNCTION pgq_node.maint_watermark(text) RETURNS int LANGUAGE sql AS 'SELECT 0'`);
    expect(await list()).toEqual([
      ['foo.bar', 'q'],
      ['pgq_node.maint_watermark', 'q'],
    ]);
    await client.query(`UPDATE pgq.queue SET queue_switch_time = now() - interval '1 day'`);
    expect((await list()).slice(0, 2)).toEqual([
      ['pgq.maint_rotate_tables_step1', 'q'],
      ['pgq.maint_rotate_tables_step2', null],
    ]);
  });

  test('ten sessions that register a new consumer at once register one', async () => {
    const { client, database } = await pgq(major);
    const sessions = await Promise.all(Array.from({ length: 10 }, () => database.open()));
    const results = await Promise.all(
      sessions.map((s) => value<number>(s, `SELECT pgq.register_consumer('q', 'new')`)),
    );
    expect(results.reduce((sum, n) => sum + n, 0)).toBe(1);
    expect(await value(client, `SELECT count(*) FROM pgq.get_consumer_info('q', 'new')`)).toBe('1');
  });

  test('a queue restored into a cluster with lower transaction ids stops, and goes on after its repair with every event once', async () => {
    const { client, database } = await pgq(major);
    await client.query(`SELECT pgq.register_consumer('q', 'slow'), pgq.register_consumer('q', 'new')`);
    const long = await database.open();
    await long.query('BEGIN');
    await put(long, 'long 1');
    for (const data of ['a', 'b']) {
      await put(client, data);
      await tick(client);
    }
    await client.query(`SELECT pgq.register_consumer_at('q', 'new', 3)`);
    const open = await next(client);
    expect(await events(client, open)).toEqual(['a']);
    await long.query('COMMIT');
    await put(client, 'not ticked');
    await client.query(`UPDATE pgq.tick SET tick_snapshot = (SELECT format('%s:%s:%s', txid_snapshot_xmin(tick_snapshot) + 1000000,
        txid_snapshot_xmax(tick_snapshot) + 1000000, (SELECT string_agg((x + 1000000)::text, ',') FROM txid_snapshot_xip(tick_snapshot) AS x))::txid_snapshot);
      UPDATE pgq.event_1 SET ev_txid = ev_txid + 1000000;
      UPDATE pgq.queue SET queue_switch_step1 = queue_switch_step1 + 1000000, queue_switch_step2 = queue_switch_step2 + 1000000`);
    await expect(tick(client)).rejects.toThrow('Invalid PgQ state');
    expect(await value(client, `SELECT pgq.repair_queue('q')`)).toBe(3);
    expect(await value(client, `SELECT pgq.repair_queue('q')`)).toBe(0);
    expect(await events(client, open)).toEqual(['a']);
    await finish(client, open);
    await put(client, 'later');
    expect(await tick(client)).not.toBeNull();
    const rest = async (consumer: string) => {
      const all: string[][] = [];
      for (;;) {
        const batch = await next(client, consumer);
        if (batch === null) return all;
        all.push(await events(client, batch));
        await finish(client, batch);
      }
    };
    const tail = ['long 1', 'not ticked', 'later'];
    expect(await rest('c')).toEqual([['b'], tail]);
    expect(await rest('slow')).toEqual([['a'], ['b'], tail]);
    expect(await rest('new')).toEqual([tail]);
    await client.query(`UPDATE pgq.queue SET queue_switch_time = now() - interval '1 day'`);
    await client.query(`SELECT pgq.maint_rotate_tables_step1('q')`);
    expect(await value(client, 'SELECT queue_cur_table FROM pgq.queue')).toBe(1);
  });

  test('two sessions of one consumer: the one that waits for the other sees where that has moved the position', async () => {
    const { client, database } = await pgq(major);
    const other = await database.open();
    await put(client, 'a');
    await tick(client);
    await client.query('BEGIN');
    await finish(client, await next(client));
    const waiting = next(other);
    const blocked = `SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`;
    await eventually(async () => (await client.query(blocked)).rowCount === 1);
    await client.query('COMMIT');
    expect(await waiting).toBeNull();
  });
});

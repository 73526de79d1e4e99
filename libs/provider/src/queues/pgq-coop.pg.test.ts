import type { PgClient } from '@millrace/postgres';
import { describe, expect, test } from 'vitest';
import { type OwnedDatabase, ownedDatabase, value } from '../../test/owned-database.ts';
import { installProvider } from '../mod.ts';

async function coop(major: number): Promise<{ client: PgClient; database: OwnedDatabase }> {
  const database = await ownedDatabase(major);
  const client = await database.open();
  await installProvider(client);
  await client.query(`SELECT pgq.create_queue('q'), pgq.set_queue_config('q', 'ticker_max_count', '1')`);
  return { client, database };
}

async function putBatch(client: PgClient, data: string): Promise<void> {
  await client.query(`SELECT pgq.insert_event('q', 't', $1)`, [data]);
  await client.query('SELECT pgq.ticker()');
}

const next = (client: PgClient, sub: string, dead: string | null = null) =>
  value(client, `SELECT pgq_coop.next_batch('q', 'main', $1, $2::interval)`, [sub, dead]);
const finish = (client: PgClient, batch: string) => value(client, 'SELECT pgq_coop.finish_batch($1)', [batch]);
const unregister = (client: PgClient, sub: string, handling: number) =>
  value(client, `SELECT pgq_coop.unregister_subconsumer('q', 'main', $1, $2)`, [sub, handling]);
const data = (client: PgClient, batch: string) =>
  value(client, 'SELECT ev_data FROM pgq.get_batch_events($1)', [batch]);

describe.each([15, 18])('on PostgreSQL %i', (major) => {
  test('subconsumers take whole batches, each its own, and keep the one they have', async () => {
    const { client } = await coop(major);
    const register = () => value(client, `SELECT pgq_coop.register_subconsumer('q', 'main', 'one')`);
    expect([await register(), await register()]).toEqual([1, 0]);
    expect(await next(client, 'one')).toBeNull();
    await putBatch(client, 'a');
    const first = await next(client, 'one');
    expect(await next(client, 'one')).toBe(first);
    expect(await next(client, 'two')).toBeNull();
    await putBatch(client, 'b');
    const second = await next(client, 'two');
    expect([await data(client, first), await data(client, second)]).toEqual(['a', 'b']);
    expect([await finish(client, second), await finish(client, second)]).toEqual([1, 0]);
    const lowest = 'SELECT min(sub_last_tick) FROM pgq.subscription';
    expect(await value(client, lowest)).toBe('1');
    expect(await finish(client, first)).toBe(1);
    expect(await value(client, lowest)).toBe('3');
  });

  test('a batch of one that is silent is taken over under a new number, and the old owner cannot finish it', async () => {
    const { client } = await coop(major);
    await next(client, 'slow');
    await putBatch(client, 'a');
    const slow = await next(client, 'slow');
    expect(await next(client, 'quick', '1 hour')).toBeNull();
    await client.query(`UPDATE pgq.subscription SET sub_active = '2005-01-01' WHERE sub_batch IS NOT NULL`);
    const taken = await next(client, 'quick', '1 hour');
    expect(await data(client, taken)).toBe('a');
    expect(await finish(client, slow)).toBe(0);
    expect(await unregister(client, 'slow', 0)).toBe(0);
    await expect(unregister(client, 'quick', 0)).rejects.toThrow('subconsumer has active batch');
    expect(await unregister(client, 'quick', 1)).toBe(1);
    expect(await unregister(client, 'quick', 0)).toBe(0);
  });

  test('a consumer read directly and through subconsumers at once is reported so', async () => {
    const { client } = await coop(major);
    await next(client, 'one');
    await putBatch(client, 'a');
    const batch = await value(client, `SELECT pgq.next_batch('q', 'main')`);
    await expect(next(client, 'one')).rejects.toThrow('main consumer has batch open?');
    expect(await finish(client, batch)).toBe(0);
    expect(await value(client, 'SELECT pgq.finish_batch($1)', [batch])).toBe(1);
  });

  test('the consumer takes its subconsumers with it; one of them goes alone', async () => {
    const { client } = await coop(major);
    await next(client, 'one');
    await next(client, 'two');
    expect(await value(client, `SELECT pgq.unregister_consumer('q', 'main.two')`)).toBe(1);
    expect(await value(client, `SELECT string_agg(consumer_name, ',') FROM pgq.get_consumer_info()`)).toBe(
      'main,main.one',
    );
    expect(await value(client, `SELECT pgq.unregister_consumer('q', 'main')`)).toBe(2);
    expect(await value(client, 'SELECT count(*) FROM pgq.consumer')).toBe('0');
  });

  test('eight sessions that begin at once, take over and finish: every batch is finished once', async () => {
    const { client, database } = await coop(major);
    await client.query(`SELECT pgq.register_consumer('q', 'main')`);
    for (let i = 0; i < 24; i += 1) await putBatch(client, `${i}`);
    const done: string[] = [];
    const work = async (name: string) => {
      const session = await database.open();
      for (;;) {
        await session.query('BEGIN');
        // An interval of nothing: whatever another has open is taken at once, as if all others were dead.
        const batch = await next(session, name, '0');
        if (batch === null) {
          await session.query('COMMIT');
          return;
        }
        await session.query('COMMIT');
        await session.query('BEGIN');
        const row = await client.query('SELECT ev_data FROM pgq.get_batch_events($1)', [batch]).catch(() => null);
        const finished = (await value<number>(session, 'SELECT pgq_coop.finish_batch($1)', [batch])) === 1;
        await session.query('COMMIT');
        if (finished && row !== null) done.push(...row.rows.map((r) => r.ev_data as string));
      }
    };
    await Promise.all(Array.from({ length: 8 }, (_, i) => work(`s${i}`)));
    expect(done.sort((a, b) => Number(a) - Number(b))).toEqual(Array.from({ length: 24 }, (_, i) => `${i}`));
  });
});

import { eventually } from '@millrace/testkit';
import { describe, expect, test } from 'vitest';
import { value } from '../../test/owned-database.ts';
import { put, queue, queueFixture } from '../../test/queue-fixture.ts';
import { createSet, forceTick, onToken, tick } from '../mod.ts';

interface Part {
  readonly q: string;
  readonly t: number;
  readonly f: string;
  readonly s?: string;
  readonly o?: string;
}

const partsOf = (token: string) =>
  JSON.parse(Buffer.from(token.slice(4), 'base64url').toString()) as { p: string; l: number; q: Part[] };

describe.each([15, 18])('on PostgreSQL %i', (major) => {
  test('a token names the newest tick where that has everything, else what was seen', async () => {
    const { client } = await queueFixture(major);
    const ask = async () => partsOf(await value(client, 'SELECT millrace.token()')).q[0];
    // Transactions of other tests on this server are in the snapshot while they run, so a tick may lack what they did.
    await expect.poll(ask).toEqual({ q: queue, t: 1, f: expect.stringMatching(/^[0-9a-f]{32}$/) });
    await put(client, 'a');
    expect(await ask()).toMatchObject({ t: 1, s: expect.stringMatching(/^\d+:\d+:[\d,]*$/) });
    const afterTick = async () => {
      await tick(client, queue);
      return ask();
    };
    await expect.poll(afterTick).toEqual({ q: queue, t: expect.any(Number), f: expect.any(String) });
  });

  test('asking for a token makes a tick due, once, where the newest one may lack something', async () => {
    const { client, open } = await queueFixture(major);
    const other = await open();
    await put(client, 'a');
    await other.query('SELECT millrace.token()');
    expect((await tick(client, queue))?.tick).toBe(2);
    expect(await tick(client, queue)).toBeNull();
    const afterToken = async () => {
      await other.query('SELECT millrace.token()');
      return tick(client, queue);
    };
    await expect.poll(afterToken).toBeNull();
  });

  test('it names the own transaction only if that has put something into the queue', async () => {
    const { client, open } = await queueFixture(major);
    const other = await open();
    await put(other, 'a');
    await client.query('BEGIN');
    await client.query('SELECT pg_current_xact_id()');
    expect(partsOf(await value(client, 'SELECT millrace.token()')).q[0]).not.toHaveProperty('o');
    await client.query('SAVEPOINT s');
    await put(client, 'b');
    const own = await value(client, 'SELECT pg_current_xact_id()::text');
    expect(partsOf(await value(client, 'SELECT millrace.token()')).q[0]).toMatchObject({ o: own });
    await client.query('COMMIT');
  });

  test.each(['READ ONLY', 'ISOLATION LEVEL REPEATABLE READ', 'ISOLATION LEVEL SERIALIZABLE'])(
    'a %s transaction gets one',
    async (mode) => {
      const { client } = await queueFixture(major);
      await put(client, 'a');
      await client.query(`BEGIN ${mode}`);
      expect(partsOf(await value(client, 'SELECT millrace.token()')).q[0]).toHaveProperty('s');
      await client.query('COMMIT');
    },
  );

  test('a transaction that requested one can be prepared', async () => {
    const { openSuperuser } = await queueFixture(major);
    const client = await openSuperuser();
    await client.query('BEGIN');
    await put(client, 'a');
    await client.query('SELECT pg_sleep(0.11), millrace.token()');
    await client.query(`PREPARE TRANSACTION 'token_${major}_${process.pid}'`);
    await client.query(`ROLLBACK PREPARED 'token_${major}_${process.pid}'`);
  });

  test('one token stands for all sets, or for the one that is named', async () => {
    const { client } = await queueFixture(major);
    await createSet(client, 'second');
    expect(partsOf(await value(client, 'SELECT millrace.token()')).q.map(({ q }) => q)).toEqual([queue, 'second']);
    expect(partsOf(await value(client, `SELECT millrace.token('second')`)).q.map(({ q }) => q)).toEqual(['second']);
    await expect(client.query(`SELECT millrace.token('third')`)).rejects.toMatchObject({ code: 'MR001' });
  });

  test('who ticks hears of a token requested after a rest', async () => {
    const { client, open } = await queueFixture(major);
    const ticker = await open();
    let heard = 0;
    await onToken(ticker, queue, () => (heard += 1));
    await forceTick(client, queue);
    await client.query('SELECT pg_sleep(0.11)');
    await client.query('SELECT millrace.token()');
    await put(client, 'a');
    await client.query('SELECT millrace.token()');
    await eventually(() => heard === 1);
  });
});

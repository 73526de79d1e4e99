// Every role that may connect can take any advisory lock, and see those of others in pg_locks: none of ours depends on one.
import { randomBytes } from 'node:crypto';
import { codes } from '@millrace/errors';
import { type PgClient, requestLock } from '@millrace/postgres';
import { describe, expect, test } from 'vitest';
import { session, value } from '../../test/owned-database.ts';
import { type QueueFixture, queue, queueFixture } from '../../test/queue-fixture.ts';
import { createSet, forceTick, installProvider } from '../mod.ts';

interface Stranger {
  readonly name: string;
  readonly client: PgClient;
}

async function stranger(fixture: QueueFixture): Promise<Stranger> {
  const name = `stranger_${randomBytes(5).toString('hex')}`;
  const superuser = await fixture.openSuperuser();
  await superuser.query(`CREATE ROLE ${name} LOGIN PASSWORD 'secret'`);
  const url = new URL(fixture.url);
  url.username = name;
  return { name, client: await session(url.href) };
}

const keyOf = (client: PgClient, name: string) =>
  value<string>(client, 'SELECT key FROM millrace.session_lock WHERE name = $1', [name]);

describe.each([15, 18])('on PostgreSQL %i', (major) => {
  test('advisory locks of a stranger stop no tick, no listener, no queue, no set and no installation', async () => {
    const fixture = await queueFixture(major);
    const { client: other } = await stranger(fixture);
    const ours = await session(fixture.url);
    await other.query(
      `SELECT pg_advisory_lock(1886873969, queue_id), pg_advisory_lock(1886873970, queue_id) FROM pgq.queue`,
    );
    await other.query(`SELECT pg_advisory_lock(hashtextextended(name, seed))
      FROM (VALUES ('pgq.create_queue', 0), ('millrace.create_set', 0), ('millrace:install', 7717)) AS l (name, seed)`);
    expect((await forceTick(ours, queue)).tick).toBeGreaterThan(0);
    expect(await value(ours, 'SELECT pgq.listen_ticks($1)', [queue])).toMatch(/^pgq_tick_\d+$/);
    const notified = new Promise<string | undefined>((resolve) =>
      ours.once('notification', ({ payload }) => resolve(payload)),
    );
    const { tick } = await forceTick(ours, queue);
    expect(await notified).toBe(String(tick));
    await createSet(ours, 'another');
    await installProvider(ours);
  });

  test('a lead that a stranger holds gets another key, and the audit names the role', async () => {
    const fixture = await queueFixture(major);
    const { name, client: other } = await stranger(fixture);
    const [first, second] = [await session(fixture.url), await session(fixture.url)];
    await other.query(`SELECT pg_advisory_lock(hashtextextended('millrace:ticker:main', 7717))`);
    expect(await requestLock(first, 'ticker:main')).toEqual({ won: true });
    expect(await value(second, `SELECT detail ->> 'held_by' FROM millrace.audit WHERE what = 'replace lock'`)).toBe(
      name,
    );
    const standby = await requestLock(second, 'ticker:main');
    expect(standby).toMatchObject({ won: false, holder: expect.stringContaining('process') });
    await other.query(`SELECT pg_advisory_unlock_all()`);
    expect(await requestLock(second, 'ticker:main')).toMatchObject({ won: false });
  });

  test('a stranger that queues for the key of a leader gets the key, not the lead', async () => {
    const fixture = await queueFixture(major);
    const { client: other } = await stranger(fixture);
    const [first, second] = [await session(fixture.url), await session(fixture.url)];
    expect(await requestLock(first, 'capture:main')).toEqual({ won: true });
    const key = await keyOf(second, 'capture:main');
    const queued = other.query('SELECT pg_advisory_lock($1)', [key]);
    await first.end();
    await queued;
    expect(await requestLock(second, 'capture:main')).toEqual({ won: true });
    expect(await keyOf(second, 'capture:main')).not.toBe(key);
  });

  test('a stranger can neither request a lock of ours nor lock a row of them', async () => {
    const fixture = await queueFixture(major);
    const { client: other } = await stranger(fixture);
    for (const sql of [
      `SELECT millrace.request_lock('ticker:main')`,
      `SELECT millrace.lock_row('ticks:1', 'x')`,
      'SELECT FROM millrace.row_lock FOR UPDATE',
      'SELECT FROM millrace.session_lock',
      'DO $x$ BEGIN LOCK TABLE millrace.row_lock IN ACCESS SHARE MODE; END $x$',
      `COMMENT ON SCHEMA millrace IS 'x'`,
    ]) {
      await expect(other.query(sql)).rejects.toMatchObject({ code: '42501' });
    }
  });

  test('a service requests the lock of its duty by a role of any name, and no other lock', async () => {
    const fixture = await queueFixture(major);
    const name = `Ticker.${randomBytes(5).toString('hex')}@example.org`;
    const superuser = await fixture.openSuperuser();
    await superuser.query(`CREATE ROLE "${name}" LOGIN PASSWORD 'secret'; GRANT millrace_ticker TO "${name}"`);
    const url = new URL(fixture.url);
    url.username = encodeURIComponent(name);
    const client = await session(url.href);
    expect(await requestLock(client, 'ticker:main')).toEqual({ won: true });
    await expect(requestLock(client, 'capture:main')).rejects.toMatchObject({ code: '42501' });
    expect((await requestLock(await session(fixture.url), 'ticker:main')).holder).toContain(name);
  });

  test('a tick waits 5 s for another one and then names who holds it up', async () => {
    const fixture = await queueFixture(major);
    const [holding, waiting] = [await session(fixture.url), await session(fixture.url)];
    await holding.query('BEGIN');
    await holding.query('SELECT millrace.lock_ticks($1)', [queue]);
    const pid = await value(holding, 'SELECT pg_backend_pid()');
    await expect(forceTick(waiting, queue)).rejects.toMatchObject({
      code: codes.DATABASE_BUSY,
      message: expect.stringMatching(new RegExp(`a tick of queue ${queue} is held up by .* process ${pid}`)),
    });
    await holding.query('ROLLBACK');
    expect((await forceTick(waiting, queue)).tick).toBeGreaterThan(0);
  });
});

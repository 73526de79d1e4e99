import { createDatabase, silentProxy } from '@millrace/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  connect,
  disconnect,
  inSession,
  KeptSession,
  neutralSettings,
  type OpenSession,
  type PgClient,
  pinnedSettings,
  pinSettings,
  quoteTable,
  SessionLead,
  tryLead,
  withTransaction,
} from '../mod.ts';

type Database = Awaited<ReturnType<typeof createDatabase>>;
let database: Database;
beforeAll(async () => {
  database = await createDatabase({ major: 18 });
});
afterAll(async () => {
  await database.drop();
});

const options = { applicationName: 'postgres lib test' };

describe('sessions', () => {
  it('say what host is not there, without the password', async () => {
    const failing = connect('postgresql://me:secret@127.0.0.1:1/db', options);
    await expect(failing).rejects.toMatchObject({ code: 'database-unreachable' });
    await expect(failing).rejects.not.toThrow(/secret/);
  });

  it('roll back what throws', async () => {
    await inSession(database.url, options, async (client) => {
      await client.query('CREATE TABLE t (id int)');
      const work = withTransaction(client, async () => {
        await client.query('INSERT INTO t VALUES (1)');
        throw new Error('no');
      });
      await expect(work).rejects.toThrow('no');
      expect((await client.query('SELECT * FROM t')).rows).toEqual([]);
    });
  });

  it('give the lead to one at a time and on its death to the next', async () => {
    const first = await connect(database.url, options);
    const second = await connect(database.url, options);
    expect(await tryLead(first, 'x')).toBe(true);
    expect(await tryLead(second, 'x')).toBe(false);
    expect(await tryLead(second, 'y')).toBe(true);
    await first.end();
    await expect.poll(() => tryLead(second, 'x')).toBe(true);
    await second.end();
  });

  it('pin every setting that changes how values read', async () => {
    await inSession(database.url, options, async (client) => {
      await client.query(`SET DateStyle = 'SQL, DMY'; SET extra_float_digits = -15; SET search_path = ''`);
      await pinSettings(client);
      for (const [name, value] of Object.entries(pinnedSettings)) {
        const shown = await client.query('SELECT current_setting($1) AS value', [name]);
        expect(shown.rows[0].value).toBe(value);
      }
    });
  });

  it('do what they are to do whatever the role prefers', async () => {
    await inSession(database.url, options, async (client) => {
      await client
        .query(`SET default_transaction_isolation = 'serializable'; SET default_transaction_read_only = on;
        SET statement_timeout = 1; SET lock_timeout = 1; SET transaction_timeout = 1000`)
        .catch(() => {});
      await client.query(`SET statement_timeout = 0`);
      await client.query(`SET idle_in_transaction_session_timeout = 1; SET idle_session_timeout = 60000`);
      await pinSettings(client);
      for (const [name, value] of Object.entries(neutralSettings)) {
        const shown = await client.query('SELECT current_setting($1) AS value', [name]);
        expect([name, shown.rows[0].value]).toEqual([name, value]);
      }
    });
  });

  it('pass over settings that an older server does not have', async () => {
    const old = await createDatabase({ major: 15 });
    await inSession(old.url, options, async (client) => {
      await pinSettings(client);
      expect((await client.query('SHOW statement_timeout')).rows[0].statement_timeout).toBe('0');
    });
    await old.drop();
  });

  it('refuse a URL that cannot be read, without repeating it', async () => {
    const failing = connect('postgresql://me:secret@h:port/db', options);
    await expect(failing).rejects.toMatchObject({ code: 'config' });
    await expect(failing).rejects.not.toThrow(/secret/);
  });

  it('end in bounded time when the server has stopped to answer', async () => {
    const quiet = await silentProxy(database.url);
    const client = await connect(quiet.url, options);
    quiet.fallSilent();
    const began = performance.now();
    await disconnect(client, 200);
    expect(performance.now() - began).toBeLessThan(2_000);
    quiet.close();
  });

  it('keep integers and times as text, so that nothing is rounded', async () => {
    await inSession(database.url, options, async (client) => {
      const row = (
        await client.query(`SELECT 9223372036854775807 AS i, '2026-01-01 00:00:00.123456+00'::timestamptz AS t`)
      ).rows[0];
      expect(row.i).toBe('9223372036854775807');
      expect(row.t).toContain('.123456');
    });
  });

  it('quote names that try to escape', () => {
    expect(quoteTable({ schema: 'a"b', name: 'c.d; --' })).toBe('"a""b"."c.d; --"');
  });
});

const open: OpenSession = (onLost) => connect(database.url, { ...options, onLost });
const killSession = async (client: PgClient) => {
  const { rows } = await client.query('SELECT pg_backend_pid() AS pid');
  await inSession(database.url, options, (killer) => killer.query('SELECT pg_terminate_backend($1)', [rows[0].pid]));
};
const works = async (client: PgClient) => (await client.query('SELECT 1 AS one')).rows[0].one;

describe('a kept session', () => {
  it('is opened once, and again after a loss, a close or a drop', async () => {
    const kept = new KeptSession(open);
    const [first, same] = await Promise.all([kept.get(), kept.get()]);
    expect(same).toBe(first);
    await killSession(first);
    await expect.poll(() => kept.get()).not.toBe(first);
    const second = await kept.get();
    expect(await works(second)).toBe(1);
    await kept.close();
    await expect(works(second)).rejects.toThrow();
    const third = await kept.get();
    const sleeping = expect(third.query('SELECT pg_sleep(60)')).rejects.toThrow();
    kept.drop();
    await sleeping;
    expect(await works(await kept.get())).toBe(1);
    await kept.close();
    await kept.close();
  });

  it('that could not be opened is tried again', async () => {
    let url = 'postgresql://nobody@127.0.0.1:1/none';
    const kept = new KeptSession((onLost) => connect(url, { ...options, onLost }));
    await expect(kept.get()).rejects.toMatchObject({ code: 'database-unreachable' });
    await kept.close();
    url = database.url;
    expect(await works(await kept.get())).toBe(1);
    await kept.close();
  });

  it('that is closed while it is being opened is ended, and another is opened for the next caller', async () => {
    const kept = new KeptSession(open);
    const getting = kept.get();
    await kept.close();
    await expect(works(await getting)).rejects.toThrow();
    expect(await works(await kept.get())).toBe(1);
    await kept.close();
  });
});

describe('leadership by a session', () => {
  const leadOf = (key: string) => {
    const lock = (client: PgClient) => tryLead(client, key);
    return new SessionLead({ what: 'the leadership of a test', open, lock });
  };

  it('is with one at a time, and on its release with the next', async () => {
    const [first, second] = [leadOf('a'), leadOf('a')];
    const lease = await first.tryLead();
    expect(await second.tryLead()).toBeNull();
    await lease?.release();
    const next = await second.tryLead();
    expect(next).not.toBeNull();
    expect(await first.tryLead()).toBeNull();
    await Promise.all([first.close(), second.close()]);
  });

  it('ends with the session, and is requested again on a new one', async () => {
    const lead = leadOf('b');
    const lease = await lead.tryLead();
    if (lease === null) throw new Error('nobody else leads');
    await killSession(lease.client);
    await lease.lost;
    await lease.release();
    const next = await lead.tryLead();
    expect(next?.client).not.toBe(lease.client);
    await lead.close();
  });

  it('ends when the leader abandons it', async () => {
    const lead = leadOf('c');
    const lease = await lead.tryLead();
    lease?.abandon();
    await lease?.lost;
    await lease?.release();
    expect(
      await leadOf('c')
        .tryLead()
        .then((next) => next?.release()),
    ).toBeUndefined();
  });

  it('that cannot be requested is an error that names it, and leaves no session', async () => {
    const lock = () => Promise.reject(new Error('no lock today'));
    const lead = new SessionLead({ what: 'the leadership of a test', open, lock });
    await expect(lead.tryLead()).rejects.toThrow(/requesting the leadership of a test: no lock today/);
  });
});

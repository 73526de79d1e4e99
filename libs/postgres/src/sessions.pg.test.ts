import { createDatabase } from '@millrace/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect, inSession, pinnedSettings, pinSettings, quoteTable, tryLead, withTransaction } from './mod.ts';

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

// Policies of a captured table belong to its owner: their functions must not run as the owner of the capture functions.
import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { session, value } from '../test/owned-database.ts';
import { type QueueFixture, queue, queueFixture } from '../test/queue-fixture.ts';
import { addTable } from './mod.ts';

/** A role that owns tables and functions in a schema of its own, and granted Millrace what `add_table` needs. */
async function tableOwner(fixture: QueueFixture, schema: string) {
  const name = `app_${randomBytes(5).toString('hex')}`;
  const superuser = await fixture.openSuperuser();
  await superuser.query(`CREATE ROLE ${name} LOGIN PASSWORD 'secret'`);
  await superuser.query(`CREATE SCHEMA app AUTHORIZATION ${name}`);
  const url = new URL(fixture.url);
  url.username = name;
  const client = await session(url.href);
  await client.query('SET client_min_messages = warning');
  await client.query(`CREATE TABLE app.seen (who name, PRIMARY KEY (who)); GRANT INSERT, SELECT ON app.seen TO PUBLIC`);
  // Declared IMMUTABLE, so that the planner may run it before any row is read.
  await client.query(`CREATE FUNCTION app.note() RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
    BEGIN INSERT INTO app.seen VALUES (current_user) ON CONFLICT DO NOTHING; RETURN true; END $$`);
  await client.query(`CREATE FUNCTION app.spy() RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
    BEGIN PERFORM app.note(); RETURN true; END $$`);
  await client.query(schema);
  const owner = new URL(fixture.url).username;
  await client.query(`GRANT USAGE ON SCHEMA app TO ${owner}`);
  await client.query(`GRANT SELECT, TRIGGER ON ALL TABLES IN SCHEMA app TO ${owner}`);
  return { client, owner };
}

const seenAs = (client: Parameters<typeof value>[0], role: string) =>
  value(client, 'SELECT count(*) FROM app.seen WHERE who = $1', [role]);

describe.each([15, 18])('on PostgreSQL %i', (major) => {
  test('a policy made after the table was added runs no code as the owner of Millrace', async () => {
    const fixture = await queueFixture(major);
    const { client, owner } = await tableOwner(
      fixture,
      'CREATE TABLE app.account (id int PRIMARY KEY, name text); GRANT INSERT ON app.account TO PUBLIC',
    );
    await addTable(fixture.client, queue, { schema: 'app', name: 'account' });
    await client.query('ALTER TABLE app.account ENABLE ROW LEVEL SECURITY; ALTER TABLE app.account ADD extra int');
    await client.query('CREATE POLICY p ON app.account USING (app.spy() AND app.note())');
    await client.query(`INSERT INTO app.account VALUES (1, 'x', 2)`);
    await client.query(`INSERT INTO app.account VALUES (2, 'y', 3), (3, 'z', 4)`);
    expect(await seenAs(client, owner)).toBe('0');
    const columns = 'SELECT ev_extra2 FROM pgq.event_1 ORDER BY ev_id DESC LIMIT 1';
    expect(await value(fixture.client, columns)).toContain('"extra"');
  });

  test('a policy of a partition runs no code as the owner of Millrace, and a TRUNCATE of it is refused', async () => {
    const fixture = await queueFixture(major);
    const { client, owner } = await tableOwner(
      fixture,
      `CREATE TABLE app.part (id int PRIMARY KEY) PARTITION BY RANGE (id);
       CREATE TABLE app.part_a PARTITION OF app.part FOR VALUES FROM (0) TO (10)`,
    );
    await addTable(fixture.client, queue, { schema: 'app', name: 'part' });
    await client.query('INSERT INTO app.part VALUES (1), (2)');
    await client.query('ALTER TABLE app.part_a ENABLE ROW LEVEL SECURITY');
    await client.query('CREATE POLICY p ON app.part_a USING (app.spy() AND app.note())');
    await expect(client.query('TRUNCATE app.part_a')).rejects.toMatchObject({
      code: '42501',
      message: expect.stringContaining('row security hides rows'),
    });
    expect(await seenAs(client, owner)).toBe('0');
    expect(await value(client, 'SELECT count(*) FROM app.part')).toBe('2');
  });

  test('whatever the session has set or locked, the rows of a partition truncated alone are logged as deleted', async () => {
    const fixture = await queueFixture(major);
    const { client } = await tableOwner(
      fixture,
      `CREATE TABLE app.part (id int PRIMARY KEY) PARTITION BY RANGE (id);
       CREATE TABLE app.part_a PARTITION OF app.part FOR VALUES FROM (0) TO (10)`,
    );
    await addTable(fixture.client, queue, { schema: 'app', name: 'part' });
    const root = await value(client, `SELECT 'app.part'::regclass::oid`);
    const types = async (sql: string) => {
      const last = await value(fixture.client, 'SELECT coalesce(max(ev_id), 0) FROM pgq.event_1');
      await client.query(sql);
      return value(
        fixture.client,
        `SELECT string_agg(ev_type || ev_extra4, ' ' ORDER BY ev_id) FROM pgq.event_1 WHERE ev_id > ${last}`,
      );
    };
    const fill = 'INSERT INTO app.part VALUES (1), (2)';
    expect(await types(`${fill}; SET "millrace.truncated_1_${root}" = 'now'; TRUNCATE app.part_a`)).toBe('I2 D2');
    expect(await types(`${fill}; BEGIN; LOCK TABLE app.part; TRUNCATE app.part_a; COMMIT`)).toBe('I2 D2');
    expect(await types(`${fill}; BEGIN; TRUNCATE app.part; ${fill}; TRUNCATE app.part_a; COMMIT`)).toBe('I2 T0 X2 D2');
    expect(
      await types(`${fill}; BEGIN; SAVEPOINT s; TRUNCATE app.part; ROLLBACK TO s; TRUNCATE app.part_a; COMMIT`),
    ).toBe('I2 D2');
    expect(await types(`${fill}; TRUNCATE app.part`)).toBe('I2 T0');
    expect(await types(`${fill}; TRUNCATE app.part, app.part_a`)).toBe('I2 T0');
    expect(await value(fixture.client, 'SELECT count(*) FROM millrace.truncation')).toBe('0');
  });
});

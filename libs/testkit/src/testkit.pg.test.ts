import { expect, test } from 'vitest';
import { checksum, createDatabase, eventually, query, startOwnPostgres } from './mod.ts';

test.each([15, 18])('a database of its own on PostgreSQL %i has the checksum of its rows', async (major) => {
  const one = await createDatabase({ major });
  const two = await createDatabase({ major: 18 });
  const schema = "CREATE TABLE t (id int PRIMARY KEY, item text); INSERT INTO t VALUES (1, ''), (2, NULL), (3, 'é')";
  for (const { url } of [one, two]) await query(url, schema);
  expect(await checksum(one.url, 't')).toEqual(await checksum(two.url, 't'));
  await query(two.url, 'UPDATE t SET item = NULL WHERE id = 1');
  expect(await checksum(one.url, 't')).not.toEqual(await checksum(two.url, 't'));
});

test.each([15, 18])('two servers that tests start on PostgreSQL %i are two clusters', async (major) => {
  const servers = await Promise.all([startOwnPostgres({ major }), startOwnPostgres({ major })]);
  const identity = 'SELECT system_identifier::text AS id FROM pg_control_system()';
  const [one, two] = await Promise.all(servers.map(({ url }) => query(url, identity)));
  expect(one).not.toEqual(two);
  for (const server of servers) {
    await query(server.url, 'CREATE TABLE t AS SELECT 1 AS a; SELECT pg_switch_wal()');
    await server.kill('SIGKILL');
    await server.start();
    expect(await query(server.url, 'SELECT a FROM t')).toEqual([{ a: 1 }]);
  }
});

test('a database with a prepared transaction and a slot can be dropped', async () => {
  const database = await createDatabase();
  await query(database.url, "CREATE TABLE t (); BEGIN; INSERT INTO t DEFAULT VALUES; PREPARE TRANSACTION 'gone'");
  await database.drop();
  await expect(query(database.url, 'SELECT 1')).rejects.toThrow(/does not exist/);
});

test('a server that was killed comes back on its port with what was committed', async () => {
  const server = await startOwnPostgres();
  await query(server.url, 'CREATE TABLE t AS SELECT 1 AS a');
  await server.kill('SIGKILL');
  await expect(query(server.url, 'SELECT 1')).rejects.toThrow();
  await server.start();
  expect(await query(server.url, 'SELECT a FROM t')).toEqual([{ a: 1 }]);
});

test('waiting ends with the last failure after the deadline', async () => {
  const never = eventually(() => Promise.reject(new Error('not yet')), { timeoutMs: 60, what: 'the moon' });
  await expect(never).rejects.toThrow('the moon did not come to hold within 60 ms: not yet');
  let looks = 0;
  expect(await eventually(() => (looks++ < 2 ? null : 'here'))).toBe('here');
});

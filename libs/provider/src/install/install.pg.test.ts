import { codes } from '@millrace/errors';
import { inSession } from '@millrace/postgres';
import { startOwnPostgres } from '@millrace/testkit';
import { describe, expect, test } from 'vitest';
import { own, ownedDatabase, value } from '../../test/owned-database.ts';
import { createSet, forceTick, installProvider, isProviderInstalled, tick, uninstallProvider } from '../mod.ts';

const options = { applicationName: 'install test' };
const objects = `SELECT (SELECT count(*) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE nspname IN ('pgq', 'pgq_coop', 'millrace'))
  || ' functions, ' || (SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE nspname IN ('pgq', 'pgq_coop', 'millrace') AND relkind IN ('r', 'S')) || ' tables and sequences'`;

describe.each([15, 18])('on PostgreSQL %i, an ordinary role', (major) => {
  test('installs, installs again and ticks, whatever its settings are', async () => {
    const client = await (await ownedDatabase(major)).open();
    expect(await isProviderInstalled(client)).toBe(false);
    expect((await installProvider(client)).migrations).toEqual(expect.arrayContaining([1, 2]));
    const before = await value(client, objects);
    expect((await installProvider(client)).migrations).toEqual([]);
    expect(await value(client, objects)).toBe(before);
    expect(await isProviderInstalled(client)).toBe(true);
    expect(await createSet(client, 'main')).toBe(true);
    expect(await createSet(client, 'main')).toBe(false);
    expect(await tick(client, 'main')).toBeNull();
    expect((await forceTick(client, 'main')).tick).toBe(2);
  });

  test('installs in twenty sessions at once', async () => {
    const database = await ownedDatabase(major);
    const runs = Array.from({ length: 20 }, () =>
      inSession(database.url, options, (client) => installProvider(client)),
    );
    const done = await Promise.all(runs);
    expect(done.filter((d) => d.migrations.length > 0)).toHaveLength(1);
  });

  test('keeps its sets and events over an installation', async () => {
    const client = await (await ownedDatabase(major)).open();
    await installProvider(client);
    await createSet(client, 'main');
    await client.query(`SELECT pgq.insert_event('main', 't', 'kept')`);
    await installProvider(client);
    expect(await value(client, 'SELECT ev_data FROM pgq.event_1')).toBe('kept');
    expect((await tick(client, 'main'))?.newEvents).toBe(1);
  });
});

// Its owner may drop and replace what is in it, and so would run code with the rights of our functions' owner.
test('a schema millrace that another role made beforehand is refused, also for a superuser', async () => {
  const database = await ownedDatabase();
  const superuser = await database.openSuperuser();
  const other = `trap_${new URL(database.url).username}`;
  await superuser.query(
    `CREATE ROLE ${other}; CREATE SCHEMA millrace AUTHORIZATION ${other}; GRANT ALL ON SCHEMA millrace TO public`,
  );
  const refused = { code: codes.NOT_REPLICABLE, message: expect.stringContaining(other) };
  await expect(installProvider(await database.open())).rejects.toMatchObject(refused);
  await expect(installProvider(superuser)).rejects.toMatchObject(refused);
  await superuser.query(`DROP SCHEMA millrace; DROP ROLE ${other}`);
  await installProvider(await database.open());
});

test('a function that a newer version no longer has is dropped, one of somebody else in the schema is not', async () => {
  const client = await (await ownedDatabase()).open();
  await installProvider(client);
  await client.query(`CREATE FUNCTION millrace.old() RETURNS int LANGUAGE sql RETURN 1`);
  await client.query(`COMMENT ON FUNCTION millrace.old() IS 'Millrace provider'`);
  await client.query(`CREATE FUNCTION millrace.of_the_subscriber() RETURNS int LANGUAGE sql RETURN 1`);
  await installProvider(client);
  expect(await value(client, `SELECT to_regproc('millrace.old')`)).toBeNull();
  expect(await value(client, `SELECT to_regproc('millrace.of_the_subscriber')`)).not.toBeNull();
});

test('removal waits for a busy table only briefly at a time, and goes on when it is free', async () => {
  const database = await ownedDatabase();
  const client = await database.open();
  await client.query('CREATE TABLE public.entry (id int PRIMARY KEY)');
  await installProvider(client);
  await createSet(client, 'main');
  await client.query(`SELECT millrace.add_table('main', 'public.entry')`);
  const application = await database.open();
  await application.query('BEGIN');
  await application.query('INSERT INTO public.entry VALUES (1)');
  const removed = uninstallProvider(client);
  const second = await database.open();
  // Queues behind the removal's exclusive lock, and gets through when that gives up for a while.
  await second.query('INSERT INTO public.entry VALUES (2)');
  await application.query('COMMIT');
  await removed;
  expect(await isProviderInstalled(client)).toBe(false);
  expect(await value(client, `SELECT count(*) FROM pg_trigger WHERE tgrelid = 'public.entry'::regclass`)).toBe('0');
});

test('a schema pgq of somebody else is refused and left alone', async () => {
  const client = await (await ownedDatabase()).open();
  await client.query('CREATE SCHEMA pgq');
  await client.query('CREATE TABLE pgq.theirs (x int)');
  await expect(installProvider(client)).rejects.toMatchObject({ code: codes.NOT_REPLICABLE });
  expect(await value(client, `SELECT to_regclass('pgq.theirs')`)).not.toBeNull();
  expect(await isProviderInstalled(client)).toBe(false);
});

test('a database of another encoding takes all of it', async () => {
  const database = await ownedDatabase();
  const name = `latin_${process.pid}`;
  const superuser = await database.openSuperuser();
  await superuser.query(
    `CREATE DATABASE ${name} ENCODING LATIN1 LOCALE_PROVIDER libc LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0`,
  );
  const url = new URL(database.superuserUrl);
  url.pathname = `/${name}`;
  await inSession(url.href, options, async (client) => {
    await installProvider(client);
    await createSet(client, 'main');
    await client.query('CREATE TABLE public.entry (id int PRIMARY KEY, item text)');
    await client.query(`SELECT millrace.add_table('main', 'public.entry')`);
    await client.query(`INSERT INTO public.entry VALUES (1, 'ñ')`);
  });
});

test('without the right to create in the database it says which right is missing', async () => {
  const database = await ownedDatabase();
  const superuser = await database.openSuperuser();
  await superuser.query(`CREATE ROLE nobody_${process.pid} LOGIN PASSWORD 'secret'`).catch(() => {});
  const url = new URL(database.url);
  url.username = `nobody_${process.pid}`;
  await inSession(url.href, options, async (client) => {
    await expect(installProvider(client)).rejects.toMatchObject({ code: codes.PERMISSION });
  });
});

describe.each([15, 18])('on a PostgreSQL %i of its own', (major) => {
  test('removal leaves nothing but the application', async () => {
    const server = await startOwnPostgres({ major });
    const database = await own(server.url, 'postgres');
    const client = await database.open();
    await client.query('CREATE TABLE public.entry (id int PRIMARY KEY)');
    await client.query('INSERT INTO public.entry VALUES (1)');
    await installProvider(client);
    await createSet(client, 'main');
    await client.query('GRANT SELECT ON public.entry TO millrace_capture');
    // As a rotation does in a set without tables.
    await client.query('SELECT millrace.point_capture(s.queue_id) FROM millrace.set s');
    await uninstallProvider(client);
    const left = `SELECT array_agg(x) FROM (
      SELECT rolname FROM pg_roles WHERE rolname ~ '^(pgq|millrace)'
      UNION ALL SELECT nspname FROM pg_namespace WHERE nspname IN ('pgq', 'pgq_coop', 'pgq_ext', 'millrace')
      UNION ALL SELECT tgname FROM pg_trigger) AS s(x)`;
    expect(await value(client, left)).toBeNull();
    expect(await value(client, 'SELECT count(*) FROM public.entry')).toBe('1');
    await uninstallProvider(client);
    await installProvider(client);
    expect(await isProviderInstalled(client)).toBe(true);
  });

  test('removal keeps what a subscriber in the same database has, and roles that another database uses', async () => {
    const server = await startOwnPostgres({ major });
    const database = await own(server.url, 'postgres');
    const client = await database.open();
    await installProvider(client);
    await client.query('CREATE TABLE millrace.subscriber_migration (version int)');
    await (await database.openSuperuser()).query('CREATE DATABASE other');
    const other = new URL(server.url);
    other.pathname = '/other';
    await inSession(other.href, options, (second) => installProvider(second));
    await uninstallProvider(client);
    expect(await value(client, `SELECT to_regclass('millrace.subscriber_migration')`)).not.toBeNull();
    expect(await value(client, `SELECT to_regclass('millrace.set')`)).toBeNull();
    expect(await value(client, `SELECT count(*) FROM pg_roles WHERE rolname ~ '^millrace'`)).toBe('4');
  });
});

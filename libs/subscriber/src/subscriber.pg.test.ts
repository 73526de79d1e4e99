import { tableStates, transitions } from '@millrace/model';
import { connect, inSession, type PgClient } from '@millrace/postgres';
import { createDatabase, query, uniqueName } from '@millrace/testkit';
import { beforeEach, expect, test } from 'vitest';
import {
  dropPending,
  dropPosition,
  followSequence,
  followTable,
  initPosition,
  installSubscriber,
  isPausePinned,
  listPinnedPauses,
  listSequences,
  listTables,
  type Move,
  movedGeneration,
  movePositionSql,
  movePositionValues,
  moveTable,
  noteTable,
  orderByReferences,
  pinPause,
  readControl,
  readPending,
  readPosition,
  readSubscriberOverview,
  readTarget,
  recordRefused,
  requireInstalled,
  setCopy,
  setPaused,
  storePending,
  unfollowTable,
  uninstallSubscriber,
  unpinPause,
  writeReplayReport,
} from './mod.ts';

const fp = (n: number) => n.toString(16).padStart(32, '0');
const tick = (n: number) => ({ tick: n, fingerprint: fp(n), time: '2025-01-02T03:04:05.678901Z' });
const options = { applicationName: 'test' };
const entry = { schema: 'public', name: 'entry' };
let url = '';
let queue = '';

async function within<T>(work: (client: PgClient) => Promise<T>): Promise<T> {
  return inSession(url, options, work);
}

beforeEach(async () => {
  url = (await createDatabase({ major: 15 })).url;
  queue = uniqueName();
});

async function registered(): Promise<PgClient> {
  const client = await connect(url, options);
  await installSubscriber(client);
  await initPosition(client, { queue, subscriber: 'eu', provider: '77', tick: tick(5) });
  return client;
}

test('installing is repeatable, safe when raced, and removed without a trace', async () => {
  await Promise.all([1, 2, 3, 4].map(() => within(installSubscriber)));
  expect(await within(installSubscriber)).toEqual([]);
  await within((client) => requireInstalled(client));
  await Promise.all([1, 2].map(() => within(uninstallSubscriber)));
  expect(await query(url, "SELECT nspname FROM pg_namespace WHERE nspname = 'millrace'")).toEqual([]);
  await expect(within((client) => requireInstalled(client))).rejects.toThrow('not installed');
});

test('uninstalling leaves the objects of a provider in the same schema alone', async () => {
  await query(url, 'CREATE SCHEMA millrace; CREATE TABLE millrace.provider_migration (version int)');
  await within(installSubscriber);
  await within(uninstallSubscriber);
  const left =
    "SELECT relname FROM pg_class WHERE relnamespace = 'millrace'::regnamespace AND relkind = 'r' ORDER BY 1";
  const names = (await query<{ relname: string }>(url, left)).map(({ relname }) => relname);
  expect(names).toEqual(['audit', 'provider_migration', 'row_lock', 'session_lock']);
});

test('the states of a table are the same list in the model and in the database', async () => {
  await within(installSubscriber);
  const [row] = await query<{ def: string }>(
    url,
    `SELECT pg_get_constraintdef(oid) AS def FROM pg_constraint
     WHERE conrelid = 'millrace.subscribed_table'::regclass AND contype = 'c'`,
  );
  expect([...(row?.def ?? '').matchAll(/'([a-z-]+)'/g)].map((match) => match[1])).toEqual([...tableStates]);
});

test('a position moves only from where it stands, and a second registration leaves it', async () => {
  const client = await registered();
  const movePosition = async (to: Move) => movedGeneration(await client.query(movePositionSql, movePositionValues(to)));
  const move = { queue, from: tick(5), to: tick(6), batches: 1, busHint: { sequence: 12 } };
  expect(await movePosition(move)).toBe(1);
  await expect(movePosition(move)).rejects.toMatchObject({ code: 'position' });
  await expect(movePosition({ ...move, from: { tick: 6, fingerprint: fp(5) } })).rejects.toMatchObject({
    code: 'position',
  });
  await initPosition(client, { queue, subscriber: 'eu', provider: '77', tick: tick(50) });
  expect(await readPosition(client, queue)).toMatchObject({
    tick: 6,
    fingerprint: fp(6),
    batches: 1,
    busHint: { sequence: 12 },
  });
  expect(await readPosition(client, queue)).toMatchObject({ tickTime: '2025-01-02T03:04:05.678901Z' });
  await expect(initPosition(client, { queue, subscriber: 'us', provider: '77', tick: tick(5) })).rejects.toMatchObject({
    code: 'position',
  });
  await dropPosition(client, queue);
  await initPosition(client, { queue, subscriber: 'eu', provider: '78', tick: tick(2) });
  expect(await readPosition(client, queue)).toMatchObject({ tick: 2, provider: '78', busHint: null });
  await dropPosition(client, queue);
  expect(await readPosition(client, queue)).toBeUndefined();
  await client.end();
});

test('every change of the desired state raises the generation, in a replica session too', async () => {
  const client = await registered();
  const seen: number[] = [];
  const read = async () => seen.push((await readControl(client, queue))?.generation ?? 0);
  await client.query('SET session_replication_role = replica');
  for (const change of [
    () => followTable(client, queue, entry),
    () => setCopy(client, queue, entry, 3),
    () => followSequence(client, queue, { schema: 'public', name: 's' }),
    () => setPaused(client, queue, true),
    () => unfollowTable(client, queue, entry),
  ]) {
    await change();
    await read();
  }
  expect(new Set(seen).size).toBe(seen.length);
  await setPaused(client, queue, true);
  expect(await readControl(client, queue)).toEqual({ paused: true, generation: seen.at(-1) });
  expect(await listSequences(client, queue)).toEqual([{ schema: 'public', name: 's' }]);
  await client.end();
});

test('a pinned pause counts in its time, and only as long as the session that pinned it lives', async () => {
  const client = await registered();
  const generation = async () => (await readControl(client, queue))?.generation ?? 0;
  const before = await generation();
  const wishing = await connect(url, options);
  const id = await pinPause(wishing, { queue, tick: 7, forMs: 60_000 });
  expect(await generation()).toBeGreaterThan(before);
  expect(await listPinnedPauses(client, queue)).toEqual([{ id, tick: 7 }]);
  expect(await isPausePinned(client, id)).toBe(true);
  await wishing.end();
  // The server notices the end of a session a moment after its client.
  while (await isPausePinned(client, id));
  const late = await connect(url, options);
  const over = await pinPause(late, { queue, tick: 8, forMs: -1 });
  expect(await isPausePinned(client, over)).toBe(false);
  expect(await listPinnedPauses(client, queue)).toEqual([{ id, tick: 7 }]);
  await unpinPause(client, id);
  await unpinPause(client, id);
  expect(await listPinnedPauses(client, queue)).toEqual([]);
  await late.end();
  await client.end();
});

test('a table moves along the transitions of the model and no others', async () => {
  const client = await registered();
  for (const from of tableStates) {
    for (const to of tableStates) {
      await unfollowTable(client, queue, entry);
      await followTable(client, queue, entry);
      await client.query('UPDATE millrace.subscribed_table SET state = $1', [from]);
      const moved = moveTable(client, queue, entry, { to, copyTick: 9 });
      if (transitions.some((t) => t.from === from && t.to === to)) await moved;
      else await expect(moved).rejects.toMatchObject({ code: 'not-leader' });
    }
  }
  await noteTable(client, queue, entry, { error: 'why' });
  expect(await listTables(client, queue)).toMatchObject([{ ...entry, error: 'why' }]);
  await client.end();
});

test('stored pieces are read in order, after a tick, and can be dropped', async () => {
  const client = await registered();
  await followTable(client, queue, entry);
  for (let n = 0; n < 40; n++) {
    const lines = Buffer.from([n, 0, 255]);
    await storePending(client, queue, entry, {
      tick: n,
      form: 'change',
      columns: ['id', null],
      key: ['id'],
      source: '16421:1i',
      cont: false,
      n: 1,
      lines,
    });
  }
  const read: number[] = [];
  for await (const piece of readPending(client, queue, entry, 4)) {
    read.push(piece.tick);
    expect(piece).toMatchObject({ form: 'change', columns: ['id', null], key: ['id'], cont: false, n: 1 });
    expect([...piece.lines]).toEqual([piece.tick, 0, 255]);
  }
  expect(read).toEqual(Array.from({ length: 35 }, (_, i) => i + 5));
  await dropPending(client, queue, entry, 38);
  expect((await client.query('SELECT count(*) AS n FROM millrace.pending')).rows[0].n).toBe('1');
  await client.end();
});

test('a replay report and refused messages are kept small', async () => {
  const client = await registered();
  await writeReplayReport(client, queue, { state: 'stopped', error: { code: 'conflict', message: 'x' } });
  await writeReplayReport(client, queue, { state: 'running', error: null });
  const { replay } = (await readSubscriberOverview(client, queue)) ?? {};
  expect(replay).toMatchObject({ state: 'running', errorCode: null, errorMessage: null });
  for (let n = 1; n <= 120; n++)
    await recordRefused(client, queue, { subject: 's', sequence: n, bytes: 1, reason: 'r' });
  const kept = await client.query('SELECT min(sequence) AS low, count(*) AS n FROM millrace.refused_message');
  expect(kept.rows[0]).toEqual({ low: '21', n: '100' });
  await client.end();
});

test('the shape of a table has types, keys, generated and identity columns, and who references it', async () => {
  await query(
    url,
    `CREATE DOMAIN d AS numeric(9,2) CHECK (VALUE > 0); CREATE TYPE e AS ENUM ('a');
     CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
     CREATE TABLE "Odd ""t" (id int GENERATED ALWAYS AS IDENTITY, k text COLLATE loose, v d, en e,
       g int GENERATED ALWAYS AS (1) STORED, PRIMARY KEY (k, id), UNIQUE (id));
     CREATE TABLE child (id int PRIMARY KEY, o int REFERENCES "Odd ""t" (id));
     CREATE TABLE p (id int PRIMARY KEY) PARTITION BY LIST (id); CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1)`,
  );
  await within(async (client) => {
    await client.query('SET search_path = pg_catalog');
    const odd = await readTarget(client, { schema: 'public', name: 'Odd "t' });
    expect(odd?.columns).toEqual([
      {
        name: 'id',
        number: 1,
        declared: 'integer',
        base: 'integer',
        type: 'integer',
        collate: '',
        generated: false,
        identity: 'always',
        exact: true,
      },
      {
        name: 'k',
        number: 2,
        declared: 'text',
        base: 'text',
        type: 'text',
        collate: ' COLLATE public.loose',
        generated: false,
        identity: null,
        exact: false,
      },
      {
        name: 'v',
        number: 3,
        declared: 'public.d',
        base: 'numeric(9,2)',
        type: 'numeric',
        collate: '',
        generated: false,
        identity: null,
        exact: false,
      },
      {
        name: 'en',
        number: 4,
        declared: 'public.e',
        base: 'public.e',
        type: 'public.e',
        collate: '',
        generated: false,
        identity: null,
        exact: true,
      },
      {
        name: 'g',
        number: 5,
        declared: 'integer',
        base: 'integer',
        type: 'integer',
        collate: '',
        generated: true,
        identity: null,
        exact: true,
      },
    ]);
    expect(odd?.uniqueIndexes.map((index) => [index.columns, index.equals])).toEqual([
      [
        ['k', 'id'],
        ['OPERATOR(pg_catalog.=)', 'OPERATOR(pg_catalog.=)'],
      ],
      [['id'], ['OPERATOR(pg_catalog.=)']],
    ]);
    expect(odd?.referencedBy).toEqual([{ schema: 'public', name: 'child' }]);
    const parted = await readTarget(client, { schema: 'public', name: 'p' });
    expect([parted?.partitioned, parted?.parts.map((part) => part.name).toSorted()]).toEqual([true, ['p', 'p1']]);
    expect(await readTarget(client, { schema: 'public', name: 'none' })).toBeUndefined();
    const names = ['child', 'Odd "t'].map((name) => ({ schema: 'public', name }));
    expect((await orderByReferences(client, names)).map((table) => table.name)).toEqual(['Odd "t', 'child']);
  });
});

test('a schema of our name that belongs to another role is not built upon', async () => {
  const role = uniqueName('stranger');
  await query(url, `CREATE ROLE ${role}; CREATE SCHEMA millrace AUTHORIZATION ${role}`);
  await expect(within((client) => installSubscriber(client))).rejects.toThrow(
    new RegExp(`the schema millrace belongs to the role ${role}`),
  );
  expect(await query(url, "SELECT FROM pg_tables WHERE schemaname = 'millrace'")).toEqual([]);
  await query(url, `DROP SCHEMA millrace; DROP ROLE ${role}`);
  expect(await within((client) => installSubscriber(client))).not.toEqual([]);
});

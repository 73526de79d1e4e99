// `add` against real servers, the services not running: it only writes desired state.
import { eventually, query, withClient } from '@millrace/testkit';
import { expect, test } from 'vitest';
import { type CommandSite, makeSite } from '../../test/command-site.ts';

const ENTRY = 'CREATE TABLE entry (id int PRIMARY KEY, item text)';

const copyRequests = (site: CommandSite) =>
  query(
    site.provider,
    'SELECT schema_name, table_name, subscribers, state FROM millrace.copy_request ORDER BY copy_id',
  );
const followed = (url: string) =>
  query(url, 'SELECT table_name, state, copy_id FROM millrace.subscribed_table ORDER BY table_name');

async function installed(sql: string = ENTRY): Promise<CommandSite> {
  const site = await makeSite();
  await site.do('install');
  if (sql !== '') await site.everywhere(sql);
  return site;
}

test('a table is followed everywhere, captured, and one copy is requested; repeating changes nothing', async () => {
  const site = await installed();
  await site.do('add', 'entry');
  expect(await copyRequests(site)).toEqual([
    { schema_name: 'public', table_name: 'entry', subscribers: ['eu', 'us'], state: 'wanted' },
  ]);
  for (const url of Object.values(site.subscribers)) {
    expect(await followed(url)).toEqual([
      { table_name: 'entry', state: 'registered', copy_id: expect.stringMatching(/^\d{10,}$/) },
    ]);
  }
  const again = await site.do('add', 'entry', 'public.entry', '"entry"');
  expect(again.document).toMatchObject({ added: [] });
  expect(again.notes).toEqual(['public.entry: nothing to do']);
  expect(await copyRequests(site)).toHaveLength(1);
});

test('a table that was dropped and recreated under the same name is captured and copied again', async () => {
  const site = await installed();
  await site.do('add', 'entry', '--no-copy');
  await query(site.provider, `DROP TABLE entry; ${ENTRY}`);
  expect((await site.do('add', 'entry')).document).toMatchObject({ added: ['public.entry'] });
  expect(await copyRequests(site)).toMatchObject([{ table_name: 'entry', subscribers: ['eu', 'us'], state: 'wanted' }]);
  expect(
    await query(site.provider, `SELECT relid = 'entry'::regclass AS ours, problem FROM millrace.set_table`),
  ).toEqual([{ ours: true, problem: null }]);
});

test('a command that was broken off between any two steps is finished by repeating it', async () => {
  const site = await installed();
  const [eu = ''] = Object.values(site.subscribers);
  // After the first subscriber.
  await query(
    eu,
    `INSERT INTO millrace.subscribed_table (queue, schema_name, table_name) VALUES ('${site.queue}', 'public', 'entry')`,
  );
  await site.do('add', 'entry');
  expect(await followed(eu)).toEqual([
    { table_name: 'entry', state: 'registered', copy_id: expect.stringMatching(/^\d{10,}$/) },
  ]);
  // Before the subscribers heard of the copy; the open one is told again.
  await query(eu, 'UPDATE millrace.subscribed_table SET copy_id = NULL');
  await site.do('add', 'entry');
  expect(await followed(eu)).toEqual([
    { table_name: 'entry', state: 'registered', copy_id: expect.stringMatching(/^\d{10,}$/) },
  ]);
  expect(await copyRequests(site)).toHaveLength(1);
  // Before the copy was asked for.
  await query(site.provider, 'DELETE FROM millrace.copy_request');
  await query(eu, 'UPDATE millrace.subscribed_table SET copy_id = NULL');
  await site.do('add', 'entry', '--subscriber', 'eu');
  expect(await copyRequests(site)).toMatchObject([{ subscribers: ['eu'], state: 'wanted' }]);
});

test('what cannot be replicated is refused by name and reason, and nothing is changed', async () => {
  const site = await installed('');
  await query(
    site.provider,
    `
    CREATE TABLE nokey (a int); CREATE VIEW seen AS SELECT 1 AS a; CREATE UNLOGGED TABLE quick (id int PRIMARY KEY);
    CREATE TABLE late (id int PRIMARY KEY DEFERRABLE); CREATE SEQUENCE numbers; CREATE TYPE pair AS (a int);
    CREATE TABLE whole (id int PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE part PARTITION OF whole DEFAULT;
    CREATE TABLE good (id int PRIMARY KEY)`,
  );
  const bad: [string, RegExp][] = [
    ['nosuch', /no table public\.nosuch at the provider/],
    ['nokey', /public\.nokey cannot be replicated: it has no primary key/],
    ['seen', /public\.seen .*view/],
    ['quick', /public\.quick .*unlogged/],
    ['late', /public\.late .*deferrable/],
    ['numbers', /public\.numbers .*sequence/],
    ['pair', /public\.pair .*composite type/],
    ['part', /public\.part .*partition/],
    ['millrace.set', /millrace\.set .*Millrace/],
    ['pg_catalog.pg_class', /pg_catalog\.pg_class .*system/],
    ['good', /eu: public\.good does not exist there/],
  ];
  for (const [name, reason] of bad) {
    const { code, error } = await site.run('add', name);
    expect([name, code]).toEqual([name, 1]);
    expect(error?.message).toMatch(reason);
  }
  const both = await site.run('add', 'good', 'nokey', 'seen', '--create');
  expect(both.error?.message).toMatch(/nokey[\s\S]*seen/);
  expect(await query(site.provider, 'SELECT * FROM millrace.set_table')).toEqual([]);
  expect(await copyRequests(site)).toEqual([]);
});

test("a subscriber's table that cannot take the rows is refused by subscriber, table and reason", async () => {
  const site = await installed('');
  await query(site.provider, 'CREATE TABLE t (id int PRIMARY KEY, item text, n int)');
  const bad: [string, RegExp][] = [
    ['CREATE VIEW t AS SELECT 1 AS id', /eu: public\.t is a view there/],
    ['CREATE TABLE t (id int, item text, n int)', /eu: public\.t has no unique index on the key \(id\)/],
    ['CREATE TABLE t (id int PRIMARY KEY, item text)', /eu: public\.t has no column "n"/],
    ['CREATE TABLE t (id int PRIMARY KEY, item text, n date)', /column "n" is date, at the provider integer/],
    ['CREATE TABLE t (id int PRIMARY KEY, item text, n int, x int NOT NULL)', /column "x" is not at the provider/],
  ];
  const [eu = '', us = ''] = Object.values(site.subscribers);
  await query(us, 'CREATE TABLE t (id int PRIMARY KEY, item text, n int)');
  for (const [sql, reason] of bad) {
    await query(eu, `DROP VIEW IF EXISTS t`).catch(() => query(eu, 'DROP TABLE t'));
    await query(eu, sql);
    const { error } = await site.run('add', 't');
    expect(error).toMatchObject({ code: 'subscriber-schema', message: expect.stringMatching(reason) });
  }
  expect(await followed(us)).toEqual([]);
  await site.do('add', 't', '--subscriber', 'us');
  expect(await followed(us)).toHaveLength(1);
});

test('--create makes the table as it is at the provider, from 15 to 18 and back', async () => {
  for (const majors of [
    [15, 18],
    [18, 15],
  ] as const) {
    const site = await makeSite({ names: ['eu'], majors });
    await site.do('install');
    await query(
      site.provider,
      `
      CREATE SCHEMA "Odd schema"; CREATE SEQUENCE shared;
      CREATE TABLE "Odd schema".parent (id serial PRIMARY KEY, code varchar(10) UNIQUE COLLATE "C" DEFAULT 'x''y');
      CREATE TABLE "Odd schema"."Child.Table" (
        "id one" bigint GENERATED ALWAYS AS IDENTITY, parent_id int REFERENCES "Odd schema".parent,
        twice numeric(8,2) GENERATED ALWAYS AS (n * 2) STORED, n numeric(8,2) CHECK (n > 0), other int DEFAULT nextval('shared'),
        at timestamptz(3) NOT NULL DEFAULT now(), tags text[] DEFAULT '{a,b}', PRIMARY KEY ("id one"));
      CREATE UNIQUE INDEX ON "Odd schema"."Child.Table" (lower(tags[1])) WHERE n > 5;
      CREATE TABLE whole (id int PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE part PARTITION OF whole DEFAULT`,
    );
    const { notes } = await site.do('add', '"Odd schema"."Child.Table"', '"Odd schema".parent', 'whole', '--create');
    expect(notes).toContain('eu: made public.whole (as a plain table: it is partitioned at the provider)');
    const eu = site.subscribers['eu'] ?? '';
    await query(
      eu,
      `INSERT INTO "Odd schema".parent DEFAULT VALUES; INSERT INTO whole VALUES (1);
      INSERT INTO "Odd schema"."Child.Table" (parent_id, n) VALUES (1, 3)`,
    );
    expect(
      await query(eu, 'SELECT "id one"::int AS id, twice, other, tags[1] AS tag FROM "Odd schema"."Child.Table"'),
    ).toEqual([{ id: 1, twice: '6.00', other: null, tag: 'a' }]);
    await expect(query(eu, 'INSERT INTO "Odd schema"."Child.Table" (parent_id, n) VALUES (99, 3)')).rejects.toThrow(
      /foreign key/,
    );
    await expect(query(eu, 'INSERT INTO "Odd schema"."Child.Table" (n) VALUES (-1)')).rejects.toThrow(
      /check constraint/,
    );
    expect((await site.do('add', '"Odd schema"."Child.Table"', '--create')).document).toMatchObject({ added: [] });
  }
});

test('--no-copy follows at once and asks for nothing; it is refused while a copy is on its way', async () => {
  const site = await installed();
  await site.do('add', 'entry', '--no-copy');
  expect(await copyRequests(site)).toEqual([]);
  for (const url of Object.values(site.subscribers)) expect(await followed(url)).toMatchObject([{ state: 'ok' }]);
  await site.everywhere('CREATE TABLE other (id int PRIMARY KEY)');
  await site.do('add', 'other');
  const { code, error } = await site.run('add', 'other', '--no-copy');
  expect(code).toBe(1);
  expect(error?.message).toMatch(/eu: public\.other is waiting for its copy/);
});

test('a table held by an error starts again when it is added again', async () => {
  const site = await installed();
  await site.do('add', 'entry');
  const [eu = ''] = Object.values(site.subscribers);
  await query(eu, `UPDATE millrace.subscribed_table SET state = 'held', error = 'broken'`);
  await site.do('add', 'entry');
  expect(await followed(eu)).toEqual([
    { table_name: 'entry', state: 'registered', copy_id: expect.stringMatching(/^\d{10,}$/) },
  ]);
  expect(await copyRequests(site)).toMatchObject([{ subscribers: ['us'] }, { subscribers: ['eu'] }]);
});

test('--all takes what can be replicated with its sequences, and tells what it left out', async () => {
  const site = await installed('');
  await query(
    site.provider,
    'CREATE TABLE a (id serial PRIMARY KEY); CREATE TABLE b (x int); CREATE SCHEMA s; CREATE TABLE s.c (id int PRIMARY KEY)',
  );
  const warnings: Error[] = [];
  process.on('warning', (warning) => warnings.push(warning));
  const { notes, document } = await site.do('add', '--all', '--create');
  expect(warnings).toEqual([]);
  expect(document).toMatchObject({ added: ['public.a', 's.c'] });
  expect(notes.join('\n')).toMatch(/skipped: public\.b cannot be replicated/);
  expect((await site.do('seqs')).document).toMatchObject({
    sequences: [{ name: 'public.a_id_seq', subscribers: { eu: 'ok', us: 'ok' } }],
  });
});

test('a table in use is waited for with a word, and added when it is free', async () => {
  const site = await installed();
  await withClient(site.provider, async (client) => {
    await client.query('BEGIN; INSERT INTO entry VALUES (1)');
    const adding = site.do('add', 'entry');
    // The word is due with an attempt that fails two seconds after the first began; between two are 1.25 s at most.
    const attempts: number[] = [];
    await eventually(async () => {
      const waiting = await query(
        site.provider,
        "SELECT extract(epoch FROM waitstart)::text AS since FROM pg_locks WHERE relation = 'entry'::regclass AND NOT granted AND waitstart IS NOT NULL",
      );
      for (const { since } of waiting) attempts.push(Number(since));
      return Math.max(...attempts) - Math.min(...attempts) > 3.5;
    });
    await client.query('COMMIT');
    expect((await adding).notes.join('\n')).toMatch(/waiting for public\.entry at the provider/);
  });
  expect(await followed(site.subscribers['eu'] ?? '')).toHaveLength(1);
});

test('a subscriber out of reach is reported on the bus which copy to wait for', async () => {
  const site = await makeSite({ names: ['eu', 'us'] });
  await site.everywhere(ENTRY);
  const near = site.host({ provider: true, withUrl: ['us'], without: ['eu'] });
  const far = site.host({ provider: false, withUrl: ['eu'] });
  const early = await far.do('install');
  expect(early.document).toMatchObject({ parts: [{ part: 'subscriber eu', state: 'waiting' }] });
  await near.do('install');
  expect((await far.do('install')).document).toMatchObject({ parts: [{ part: 'subscriber eu', state: 'done' }] });
  const { notes } = await near.do('add', 'entry');
  expect(notes.join('\n')).toMatch(/eu: now run `millrace add public\.entry`/);
  expect(await copyRequests(site)).toMatchObject([{ subscribers: ['us'] }, { subscribers: ['eu'] }]);
  const eu = site.subscribers['eu'] ?? '';
  await query(eu, 'ALTER TABLE entry ALTER item TYPE varchar(9)');
  expect((await far.run('add', 'entry')).error?.message).toMatch(
    /"item" is character varying\(9\), at the provider text/,
  );
  await query(eu, 'ALTER TABLE entry ALTER item TYPE text');
  await far.do('add', 'entry');
  expect(await followed(eu)).toEqual([
    { table_name: 'entry', state: 'registered', copy_id: expect.stringMatching(/^\d{10,}$/) },
  ]);
});

const NARROWER: [string, string, RegExp][] = [
  ['numeric(12,2)', 'numeric(10,1)', /"v" is numeric\(10,1\), at the provider numeric\(12,2\)/],
  ['numeric(12,2)', 'numeric(12,3)', /numeric\(12,3\)/],
  ['numeric', 'numeric(30,6)', /numeric\(30,6\)/],
  ['int8', 'numeric(10,0)', /numeric\(10,0\)/],
  ['float8', 'float4', /real/],
  ['numeric', 'float8', /double precision/],
  ['timestamp', 'timestamp(3)', /timestamp\(3\)/],
  ['timestamptz', 'timestamp', /timestamp without/],
  ['time(3)', 'time(2)', /time\(2\)/],
  ['interval', 'interval day', /interval day/],
  ['varchar(40)', 'varchar(20)', /varying\(20\)/],
  ['text', 'varchar(20)', /varying\(20\)/],
  ['text', 'char(20)', /character\(20\)/],
  ['char(10)', 'char(12)', /character\(12\)/],
  ['json', 'jsonb', /jsonb/],
  ['numeric(12,2)[]', 'numeric(12,1)[]', /numeric\(12,1\)\[\]/],
  ['pair', 'pair', /"v" is public.pair, which is made of other types/],
  ['mood', 'mood', /"v" is of an enum that lacks the label "sad"/],
  ['mood[]', 'mood[]', /lacks the label "sad"/],
  ['money_d', 'money_d', /"v" is public.money_d/],
];
const WIDER: [string, string][] = [
  ['numeric(10,1)', 'numeric(12,2)'],
  ['numeric(12,2)', 'numeric'],
  ['int8', 'numeric(19,0)'],
  ['float4', 'float8'],
  ['timestamp(3)', 'timestamp'],
  ['timestamptz', 'timestamptz(6)'],
  ['varchar(20)', 'varchar(40)'],
  ['char(10)', 'varchar(10)'],
  ['interval day', 'interval'],
  ['money_d', 'numeric(12,4)'],
  ['pair[]', 'text'],
  ['int4range', 'int4range'],
  ['mood', 'text'],
];

test('a column whose type rounds, cuts or lacks values is refused; a wider one is taken', async () => {
  const site = await installed('');
  const [eu = '', us = ''] = Object.values(site.subscribers);
  await query(
    site.provider,
    `CREATE TYPE mood AS ENUM ('ok', 'sad'); CREATE TYPE pair AS (a int, b numeric(12,2)); CREATE DOMAIN money_d AS numeric(12,4)`,
  );
  for (const url of [eu, us]) {
    await query(
      url,
      `CREATE TYPE mood AS ENUM ('glad', 'ok'); CREATE TYPE pair AS (a int, b numeric(12,1)); CREATE DOMAIN money_d AS numeric(12,2)`,
    );
  }
  const all = [...NARROWER.map(([from, to]) => [from, to] as const), ...WIDER];
  for (const [at, [from, to]] of all.entries()) {
    await query(site.provider, `CREATE TABLE t${at} (id int PRIMARY KEY, v ${from})`);
    for (const url of [eu, us]) await query(url, `CREATE TABLE t${at} (id int PRIMARY KEY, v ${to})`);
  }
  const { error } = await site.run('add', ...NARROWER.map((_pair, at) => `t${at}`));
  expect(error?.code).toBe('subscriber-schema');
  const lines = error?.message.split('\n') ?? [];
  for (const [at, [from, to, reason]] of NARROWER.entries()) {
    const line = lines.find((text) => text.includes(`eu: public.t${at} `));
    expect([from, to, line]).toEqual([from, to, expect.stringMatching(reason)]);
  }
  const taken = await site.run('add', ...WIDER.map((_pair, at) => `t${NARROWER.length + at}`));
  expect([taken.code, taken.error]).toEqual([0, undefined]);
});

test('a table that is ok is added again whatever the doctor says about it; one that is not is refused', async () => {
  const site = await installed(`${ENTRY}; CREATE TABLE other (id int PRIMARY KEY)`);
  const eu = site.subscribers['eu'] ?? '';
  await site.do('add', 'entry', '--no-copy');
  const always = (table: string) =>
    `CREATE RULE quiet AS ON INSERT TO ${table} DO ALSO NOTHING; ALTER TABLE ${table} ENABLE ALWAYS RULE quiet`;
  await query(eu, `${always('entry')}; ${always('other')}; ALTER TABLE entry DROP item`);
  const again = await site.do('add', 'entry');
  expect(again.notes).toEqual(['public.entry: nothing to do']);
  expect(await site.do('add', 'entry', '--no-copy')).toMatchObject({ document: { added: [] } });
  expect(await site.run('add', 'other')).toMatchObject({ error: { code: 'subscriber-schema' } });
  expect(await site.run('add', 'entry', 'other')).toMatchObject({ error: { code: 'subscriber-schema' } });
  expect(await copyRequests(site)).toEqual([]);
});

test('a table that was dropped at a subscriber and is made there again is copied again', async () => {
  const site = await installed();
  await site.do('add', 'entry', '--no-copy');
  const eu = site.subscribers['eu'] ?? '';
  await query(eu, 'DROP TABLE entry');
  expect(await site.run('add', 'entry')).toMatchObject({ error: { message: expect.stringMatching(/--create/) } });
  await site.do('add', 'entry', '--create');
  expect(await followed(eu)).toMatchObject([{ table_name: 'entry', state: 'registered' }]);
  expect(await copyRequests(site)).toMatchObject([{ subscribers: ['eu'], state: 'wanted' }]);
});

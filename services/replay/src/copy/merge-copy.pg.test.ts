// A copy that is loaded beside its table is brought into it: what comes out, and what is left alone.
import { connect, type PgClient } from '@millrace/postgres';
import { copyStageOf, makeCopyStage, openApplySession, readTarget } from '@millrace/subscriber';
import { createDatabase } from '@millrace/testkit';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { layoutOf } from '../apply/plan/layout.ts';
import { mergeCopy } from './merge-copy.ts';
import { stageFieldsSql } from './plan-copy.ts';

let url: string;

beforeAll(async () => {
  ({ url } = await createDatabase({ major: 15 }));
  const client = await connect(url, { applicationName: 'test' });
  await client.query(`CREATE SCHEMA millrace; CREATE TABLE millrace.copy_part (queue text, copy_id bigint)`);
  await client.end();
});

/** Makes the table, loads `rows` of `columns` beside it, and merges them. */
async function merged(
  name: string,
  { sql, columns, rows, enforced = false }: { sql: string; columns: string[]; rows: string; enforced?: boolean },
): Promise<{ client: PgClient; there: number }> {
  const plain = await connect(url, { applicationName: 'test' });
  const session = await openApplySession(url, 'test');
  const { client, replica } = session;
  onTestFinished(async () => {
    await plain.end();
    await client.end();
  });
  await plain.query(sql);
  const target = await readTarget(client, { schema: 'public', name });
  if (target === undefined) throw new Error('no table');
  const layout = layoutOf(target, columns, []);
  await makeCopyStage(client, 'q', 1, stageFieldsSql(layout));
  const stage = copyStageOf('q', 1);
  if (rows !== '') await client.query(`INSERT INTO ${stage} VALUES ${rows}`);
  await client.query('BEGIN');
  const there = await mergeCopy({ ...session, replica: replica && !enforced }, { layout, stage });
  await client.query('COMMIT');
  return { client: plain, there };
}

test('rows that are equal are not touched; missing, extra and changed ones are made right', async () => {
  const { client, there } = await merged('plain', {
    sql: `CREATE TABLE plain (id int PRIMARY KEY, v text, own text DEFAULT 'new');
      INSERT INTO plain VALUES (1, 'same', 'a'), (2, 'old', 'b'), (3, 'extra', 'c'), (4, NULL, 'd'), (5, '', 'e')`,
    columns: ['v', 'id'],
    rows: `('same', 1), ('changed', 2), ('', 4), (NULL, 5), ('added', 6)`,
  });
  expect(there).toBe(5);
  const { rows } = await client.query('SELECT id, v, own FROM plain ORDER BY id');
  expect(rows.map(({ id, v, own }) => [id, v, own])).toEqual([
    [1, 'same', 'a'],
    [2, 'changed', 'b'],
    [4, '', 'd'],
    [5, null, 'e'],
    [6, 'added', 'new'],
  ]);
  // One transaction wrote row 1, another all that had to be.
  const written = await client.query('SELECT xmin::text AS by FROM plain ORDER BY id');
  expect(new Set(written.rows.map(({ by }) => by)).size).toBe(2);
  expect(written.rows.filter(({ by }) => by === written.rows[0].by)).toHaveLength(1);
});

test('one bit is enough to differ, also in types that have no equality', async () => {
  const { client } = await merged('odd', {
    sql: `CREATE DOMAIN price AS numeric;
      CREATE TABLE odd (id int PRIMARY KEY, j json, p point, f float8, n price, c char(5), a int[], t timestamp(0));
      INSERT INTO odd VALUES (1, '{"a":1}', '(1,2)', 0, 1.1, 'x', '{1,2}', '2024-01-01'), (2, '{}', NULL, 1, 1, 'y', '{}', NULL)`,
    columns: ['id', 'j', 'p', 'f', 'n', 'c', 'a', 't'],
    rows: `(1, '{"a": 1}', '(1,2)', '-0', 1.10, 'x    ', '[0:1]={1,2}', '2024-01-01'), (2, '{}', NULL, 1, 1, 'y    ', '{}', NULL)`,
  });
  const { rows } = await client.query('SELECT j::text, f::text, n::text, a::text FROM odd WHERE id = 1');
  expect(rows).toEqual([{ j: '{"a": 1}', f: '-0', n: '1.10', a: '[0:1]={1,2}' }]);
});

test('unique values that were handed from row to row come right, and what only the subscriber has is kept', async () => {
  const { client, there } = await merged('swapped', {
    sql: `CREATE TABLE swapped (id int PRIMARY KEY, email text UNIQUE, own int DEFAULT 0);
      INSERT INTO swapped VALUES (1, 'a', 10), (2, 'b', 20), (3, 'c', 30), (4, 'd', 40)`,
    columns: ['id', 'email'],
    rows: `(1, 'b'), (2, 'a'), (3, 'c'), (5, 'd')`,
  });
  expect(there).toBe(4);
  expect((await client.query('SELECT * FROM swapped ORDER BY id')).rows).toEqual([
    { id: 1, email: 'b', own: 10 },
    { id: 2, email: 'a', own: 20 },
    { id: 3, email: 'c', own: 30 },
    { id: 5, email: 'd', own: 0 },
  ]);
});

test('values that are generated always, and generated columns, are as the provider has them', async () => {
  const { client } = await merged('generated', {
    sql: `CREATE TABLE generated (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, n int,
        twice int GENERATED ALWAYS AS (n * 2) STORED);
      INSERT INTO generated (n) VALUES (1), (2), (3)`,
    columns: ['id', 'n'],
    rows: '(1, 1), (3, 33), (9, 9)',
  });
  expect((await client.query('SELECT * FROM generated ORDER BY id')).rows).toEqual([
    { id: 1, n: 1, twice: 2 },
    { id: 3, n: 33, twice: 66 },
    { id: 9, n: 9, twice: 18 },
  ]);
});

test('a table without a key, an empty copy, and a partitioned table', async () => {
  const bag = await merged('bag', {
    sql: `CREATE TABLE bag (v text); INSERT INTO bag VALUES ('a'), ('a'), ('b')`,
    columns: ['v'],
    rows: `('b'), ('b'), ('c')`,
  });
  expect(bag.there).toBe(3);
  expect((await bag.client.query('SELECT v FROM bag ORDER BY v')).rows.map(({ v }) => v)).toEqual(['b', 'b', 'c']);
  const none = await merged('none', {
    sql: 'CREATE TABLE none (id int PRIMARY KEY); INSERT INTO none VALUES (1)',
    columns: ['id'],
    rows: '',
  });
  expect(none.there).toBe(0);
  const parts = await merged('parts', {
    sql: `CREATE TABLE parts (id int PRIMARY KEY, v int) PARTITION BY RANGE (id);
      CREATE TABLE low PARTITION OF parts FOR VALUES FROM (0) TO (10); CREATE TABLE high PARTITION OF parts DEFAULT;
      INSERT INTO parts VALUES (1, 1), (11, 11)`,
    columns: ['id', 'v'],
    rows: '(1, 2), (12, 12)',
  });
  expect(parts.there).toBe(2);
});

test('rows that the subscriber cannot tell apart are counted, so that none is lost unseen', async () => {
  const { there } = await merged('same', {
    sql: 'CREATE TABLE same (v text UNIQUE, id int)',
    columns: ['id', 'v'],
    rows: `(1, 'x'), (2, 'y')`,
  });
  expect(there).toBe(2);
});

const fixed = (name: string, more: string) => ({
  sql: `CREATE TABLE ${name} (id int PRIMARY KEY, n int GENERATED ALWAYS AS IDENTITY);
    INSERT INTO ${name} OVERRIDING SYSTEM VALUE VALUES (1, 10); ${more}`,
  columns: ['id', 'n'],
  rows: '(1, 11)',
  enforced: true,
});

test('where foreign keys are enforced, a row that nobody references comes again for an identity value', async () => {
  const { client } = await merged('lone', fixed('lone', ''));
  expect((await client.query('SELECT id, n FROM lone')).rows).toEqual([{ id: 1, n: 11 }]);
});

test('and a referenced one does not: what hangs on it would go with it', async () => {
  const child = 'CREATE TABLE child (id int REFERENCES parent ON DELETE CASCADE)';
  await expect(merged('parent', fixed('parent', child))).rejects.toMatchObject({ code: 'subscriber-schema' });
});

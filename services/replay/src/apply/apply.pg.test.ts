import { followSequence } from '@millrace/subscriber';
import { query } from '@millrace/testkit';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { change, columns, gone, insert, key, t, useSubscribers, ways } from '../../test/apply-fixture.ts';
import type { TestSection } from '../../test/test-batches.ts';

const subscribers = useSubscribers();

interface Row {
  u: string;
  v: string;
}

type Step = {
  kind: 'insert' | 'update' | 'delete' | 'swap' | 'truncate';
  id: number;
  u: number;
  v: string;
  isOrderUnknown: boolean;
};

const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom('insert', 'update', 'update', 'delete', 'swap', 'insert', 'truncate'),
  id: fc.integer({ min: 1, max: 6 }),
  u: fc.integer({ min: 1, max: 6 }),
  v: fc.constantFrom('', 'plain', 'with "quotes"', 'a\\b', 'new\nline', '\\.', 'комма, (скобка)', ' '),
  isOrderUnknown: fc.boolean(),
});

const field = (value: string) => (/^[\w@]+$/.test(value) ? value : `"${value.replaceAll('"', '""')}"`);

/** Plays steps on a model and describes them as capture would, in sections. */
function play(model: Map<number, Row>, steps: readonly Step[]): TestSection[] {
  const sections: TestSection[] = [];
  const say = (op: string, id: number, row?: Row) => {
    if (row === undefined) sections.push(gone(`(${op},${id},)`));
    else if (op === 'I' && !sections.some((s) => s.form === 'change'))
      sections.push(insert(`${id},${field(row.u)},${field(row.v)}`));
    else sections.push(change(`(${op},${id},${field(row.u)},${field(row.v)},)`));
  };
  const isFree = (u: string) => ![...model.values()].some((row) => row.u === u);
  for (const { kind, id, u: number, v, isOrderUnknown } of steps) {
    const u = `u${number}`;
    const old = model.get(id);
    if (kind === 'truncate' && number === 1) {
      model.clear();
      sections.push({ table: t, form: 'truncate' });
    } else if (kind === 'insert' && old === undefined && isFree(u)) {
      model.set(id, { u, v });
      say(isOrderUnknown ? 'R' : 'I', id, { u, v });
    } else if (kind === 'update' && old !== undefined) {
      const row = { u: isFree(u) ? u : old.u, v };
      model.set(id, row);
      say(isOrderUnknown ? 'R' : 'U', id, row);
    } else if (kind === 'delete' && old !== undefined) {
      model.delete(id);
      say(isOrderUnknown ? 'A' : 'D', id);
    } else if (kind === 'swap' && old !== undefined) {
      const [other] = [...model].find(([n]) => n !== id) ?? [];
      if (other === undefined) continue;
      const its = model.get(other) as Row;
      model.set(id, { ...its });
      model.set(other, { ...old });
      say('U', id, its);
      say('U', other, old);
    }
  }
  return sections;
}

describe.each(ways)('random changes arrive %s', (_way, options) => {
  test('and give the table of the model, also when unique values go from row to row', async () => {
    const subscriber = await subscribers.open(options);
    await subscriber.tables("CREATE TABLE t (v text, id int PRIMARY KEY, extra text DEFAULT 'kept', u text UNIQUE)", t);
    const model = new Map<number, Row>();
    const batch = fc.array(step, { maxLength: 12 });
    const runs = fc.array(
      fc.record({ batches: fc.array(batch, { minLength: 1, maxLength: 3 }), streamed: fc.boolean() }),
      { maxLength: 4 },
    );
    await fc.assert(
      fc.asyncProperty(runs, async (groups) => {
        for (const { batches, streamed } of groups) {
          const said = batches.map((steps) => play(model, steps));
          if (streamed) for (const sections of said) await subscriber.stream(sections, 7);
          else await subscriber.apply(...said);
          const rows = await subscriber.rows('SELECT id, u, v, extra FROM t ORDER BY id');
          const wanted = [...model].toSorted(([a], [b]) => a - b).map(([id, row]) => ({ id, ...row, extra: 'kept' }));
          expect(rows).toEqual(wanted);
        }
      }),
      { numRuns: 60 },
    );
    expect(await subscriber.position()).toBe(subscriber.at);
  });

  test('and a shift of all keys, a swap and a value handed on are exact', async () => {
    const subscriber = await subscribers.open(options);
    await subscriber.tables('CREATE TABLE t (id int PRIMARY KEY, u text UNIQUE, v text)', t);
    await subscriber.apply([insert('1,a,x', '2,b,y', '3,c,z')]);
    await subscriber.apply([gone('(D,1,)'), change('(U,2,a,x,)', '(U,3,b,y,)', '(I,4,c,z,)')]);
    expect(await subscriber.rows('SELECT id, u, v FROM t ORDER BY id')).toEqual([
      { id: 2, u: 'a', v: 'x' },
      { id: 3, u: 'b', v: 'y' },
      { id: 4, u: 'c', v: 'z' },
    ]);
    await subscriber.apply([gone('(D,2,)'), change('(I,5,a,n,)', '(U,5,q,n,)', '(I,6,a,m,)')]);
    expect(await subscriber.rows('SELECT id, u FROM t ORDER BY id')).toEqual(
      [3, 4, 5, 6].map((id, at) => ({ id, u: ['b', 'c', 'q', 'a'][at] })),
    );
  });

  test('and rows that are not as expected stop it, leave nothing behind, and go on after the repair', async () => {
    const subscriber = await subscribers.open(options);
    await subscriber.tables('CREATE TABLE t (id int PRIMARY KEY, u text, v text)', t);
    await subscriber.apply([insert('1,a,x')]);
    for (const sections of [[change('(U,9,a,x,)')], [gone('(D,9,)')], [change('(I,1,a,x,)')]]) {
      await expect(subscriber.apply(sections)).rejects.toMatchObject({ code: 'conflict' });
    }
    await expect(subscriber.apply([insert('1,a,x')])).rejects.toMatchObject({
      code: expect.stringMatching(/conflict|constraint/),
    });
    expect(await subscriber.position()).toBe(subscriber.at);
    await subscriber.client.query("INSERT INTO t VALUES (9, 'n', 'n')");
    await subscriber.apply([change('(U,9,a,x,)')]);
    expect(await subscriber.rows('SELECT id, u FROM t ORDER BY id')).toEqual([
      { id: 1, u: 'a' },
      { id: 9, u: 'a' },
    ]);
  });

  test('and a nested statement that is recorded before the one it is nested in is no conflict', async () => {
    const subscriber = await subscribers.open(options);
    await subscriber.tables('CREATE TABLE t (id int PRIMARY KEY, u text, v text)', t);
    await subscriber.apply([change('(U,1,a,nested,)'), gone('(D,2,)'), change('(R,1,a,nested,)'), gone('(A,2,)')]);
    expect(await subscriber.rows('SELECT id, v FROM t')).toEqual([{ id: 1, v: 'nested' }]);
  });

  test('and policy upsert makes rows right and counts them', async () => {
    const subscriber = await subscribers.open({ ...options, conflicts: 'upsert' });
    await subscriber.tables(
      "CREATE TABLE t (id int PRIMARY KEY, u text, v text); INSERT INTO t VALUES (1, 'old', 'old')",
      t,
    );
    const done = await subscriber.apply([change('(I,1,a,x,)', '(U,2,b,y,)'), gone('(D,3,)')]);
    expect(done.conflicts).toBe(3);
    expect(await subscriber.rows('SELECT id, u FROM t ORDER BY id')).toEqual([
      { id: 1, u: 'a' },
      { id: 2, u: 'b' },
    ]);
  });

  test('and generated, identity, other order, quoted names and equal keys of another text are exact', async () => {
    const subscriber = await subscribers.open(options);
    const odd = { schema: 'public', name: 'Odd "t' };
    await subscriber.tables(
      `CREATE TABLE "Odd ""t" (g int GENERATED ALWAYS AS (n + 1) STORED, n int, "k \\ ey" numeric PRIMARY KEY,
        always int GENERATED ALWAYS AS IDENTITY, extra text DEFAULT 'mine')`,
      odd,
    );
    const shape = { table: odd, columns: ['k \\ ey', 'n', 'always', null], key: ['k \\ ey'] };
    await subscriber.apply([{ ...shape, form: 'insert', records: ['1.0,1,77,5', '2.0,2,78,5'] }]);
    await subscriber.client.query(`UPDATE "Odd ""t" SET extra = 'ours'`);
    await subscriber.apply([{ ...shape, form: 'change', records: ['(U,1.00,5,77,5,)'] }]);
    await subscriber.apply([{ ...shape, form: 'change', records: ['(U,2.0,6,99,5,)'] }]);
    expect(await subscriber.rows(`SELECT "k \\ ey" AS k, n, g, always, extra FROM "Odd ""t" ORDER BY 1`)).toEqual([
      { k: '1.00', n: 5, g: 6, always: 77, extra: 'ours' },
      { k: '2.0', n: 6, g: 7, always: 99, extra: 'ours' },
    ]);
  });

  test('and a table without a key takes inserts, any number of the same', async () => {
    const subscriber = await subscribers.open(options);
    await subscriber.tables('CREATE TABLE t (id int, u text, v text)', t);
    const lines: TestSection = { table: t, form: 'insert', columns, key: [], records: ['1,a,x', '1,a,x', ',,'] };
    await subscriber.apply([lines], [lines]);
    expect(await subscriber.rows('SELECT count(*)::int AS n, count(id)::int AS ids FROM t')).toEqual([
      { n: 6, ids: 4 },
    ]);
    const changed: TestSection = { ...lines, form: 'change', records: ['(U,1,a,y,)'] };
    await expect(subscriber.apply([changed])).rejects.toMatchObject({
      message: expect.stringContaining('table public.t had no key at the provider'),
    });
  });

  test('and NULL, the empty string and every awkward text stay apart', async () => {
    const subscriber = await subscribers.open(options);
    await subscriber.tables('CREATE TABLE t (id int PRIMARY KEY, u text, v text[])', t);
    await subscriber.apply([
      change(
        '(I,1,,"{a,""b \\""c""}",)',
        '(I,2,"",,)',
        '(I,3,"\\.",,)',
        '(I,4,"a\nb",,)',
        '(I,5,"\ufeff\u{1f600}","{}",)',
      ),
    ]);
    expect(await subscriber.rows('SELECT id, u, v FROM t ORDER BY id')).toEqual([
      { id: 1, u: null, v: ['a', 'b "c'] },
      { id: 2, u: '', v: null },
      { id: 3, u: '\\.', v: null },
      { id: 4, u: 'a\nb', v: null },
      { id: 5, u: '\ufeff\u{1f600}', v: [] },
    ]);
  });
});

test('truncate is a barrier, takes several tables together, and spares what references from outside', async () => {
  const subscriber = await subscribers.open();
  const [a, b] = [
    { schema: 'public', name: 'a' },
    { schema: 'public', name: 'b' },
  ];
  await subscriber.tables(
    'CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a); CREATE TABLE c (id int PRIMARY KEY, b int REFERENCES b)',
    a,
    b,
  );
  const ins = (table: typeof a, ...records: string[]): TestSection => ({
    table,
    form: 'insert',
    columns: table === a ? ['id'] : ['id', 'a'],
    key,
    records,
  });
  await subscriber.apply([ins(a, '1', '2'), ins(b, '1,1')]);
  await subscriber.client.query('INSERT INTO c VALUES (1, 1)');
  await subscriber.apply([
    ins(a, '3'),
    { table: a, form: 'truncate' },
    { table: b, form: 'truncate' },
    ins(a, '2', '4'),
  ]);
  expect(await subscriber.rows('SELECT id FROM a ORDER BY 1')).toEqual([{ id: 2 }, { id: 4 }]);
  expect(await subscriber.rows('SELECT id FROM b')).toEqual([]);
  expect(await subscriber.rows('SELECT id FROM c')).toEqual([{ id: 1 }]);
});

test('a partitioned table, cyclic foreign keys and a self-reference take rows in any order', async () => {
  const subscriber = await subscribers.open();
  await subscriber.tables(
    `CREATE TABLE t (id int PRIMARY KEY, u text, v text) PARTITION BY RANGE (id);
     CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (10); CREATE TABLE t2 PARTITION OF t FOR VALUES FROM (10) TO (20);
     CREATE TABLE tree (id int PRIMARY KEY, parent int REFERENCES tree)`,
    t,
    { schema: 'public', name: 'tree' },
  );
  await subscriber.apply([insert('1,a,x', '11,b,y')]);
  await subscriber.apply([gone('(D,1,)'), change('(U,11,c,z,)', '(I,12,a,x,)')]);
  expect(await subscriber.rows('SELECT tableoid::regclass::text AS part, id, u FROM t ORDER BY id')).toEqual([
    { part: 't2', id: 11, u: 'c' },
    { part: 't2', id: 12, u: 'a' },
  ]);
  const tree = { table: { schema: 'public', name: 'tree' }, columns: ['id', 'parent'], key };
  await subscriber.apply([{ ...tree, form: 'insert', records: ['1,2', '2,1'] }]);
  await subscriber.apply([{ ...tree, form: 'change', columns: ['id'], records: ['(D,2,)', '(D,1,)'] }]);
  expect(await subscriber.rows('SELECT count(*)::int AS n FROM tree')).toEqual([{ n: 0 }]);
});

test('without the right to be replica, tables are applied in the order of their foreign keys', async () => {
  const role = `plain_${new URL(subscribers.url).pathname.slice(1)}`;
  await query(
    subscribers.url,
    `CREATE ROLE ${role} LOGIN; GRANT CREATE, TEMP ON DATABASE ${new URL(subscribers.url).pathname.slice(1)} TO ${role}`,
  );
  const replayUrl = new URL(subscribers.url);
  replayUrl.username = role;
  const subscriber = await subscribers.open({ replayUrl: replayUrl.href });
  const [parent, child, numbered] = [
    { schema: 'public', name: 'parent' },
    { schema: 'public', name: 'child' },
    { schema: 'public', name: 'numbered' },
  ];
  await subscriber.tables(
    `CREATE TABLE parent (id int PRIMARY KEY); CREATE TABLE child (id int PRIMARY KEY, p int REFERENCES parent ON DELETE CASCADE);
     CREATE TABLE numbered (id int PRIMARY KEY, n int GENERATED ALWAYS AS IDENTITY);
     GRANT USAGE ON SCHEMA millrace TO ${role}; GRANT ALL ON ALL TABLES IN SCHEMA millrace, public TO ${role}`,
    parent,
    child,
    numbered,
  );
  expect(subscriber.session.replica).toBe(false);
  const of = (table: typeof parent, form: 'insert' | 'change', cols: string[], ...records: string[]): TestSection => ({
    table,
    form,
    columns: cols,
    key,
    records,
  });
  await subscriber.apply([of(child, 'insert', ['id', 'p'], '1,1', '2,2'), of(parent, 'insert', ['id'], '1', '2')]);
  await subscriber.apply([of(parent, 'change', ['id'], '(D,1,)'), of(child, 'change', ['id'], '(D,1,)')]);
  expect(await subscriber.rows('SELECT id FROM child')).toEqual([{ id: 2 }]);
  await subscriber.apply([of(numbered, 'insert', ['id', 'n'], '1,5')]);
  await expect(subscriber.apply([of(numbered, 'change', ['id', 'n'], '(U,1,6,)')])).rejects.toMatchObject({
    code: 'subscriber-schema',
    message: expect.stringMatching(/public\.numbered: a GENERATED ALWAYS identity/),
  });
  await subscriber.client.query(`DROP OWNED BY ${role}`);
});

test('a batch whose position is not ours changes nothing', async () => {
  const subscriber = await subscribers.open();
  await subscriber.tables('CREATE TABLE t (id int PRIMARY KEY, u text, v text)', t);
  await subscriber.client.query("UPDATE millrace.position SET fingerprint = repeat('0', 32)");
  await expect(subscriber.apply([change('(I,1,a,x,)')])).rejects.toMatchObject({ code: 'position' });
  await expect(subscriber.stream([change('(I,1,a,x,)')], 3)).rejects.toMatchObject({ code: 'position' });
  expect(await subscriber.rows('SELECT * FROM t')).toEqual([]);
});

test('sequences that came in several chunks are all set', async () => {
  const subscriber = await subscribers.open();
  await subscriber.tables('CREATE TABLE t (id int PRIMARY KEY, u text, v text)', t);
  const names = ['s1', 's2', 's3', 's4', 's5'];
  for (const name of names) {
    await subscriber.client.query(`CREATE SEQUENCE public.${name}`);
    await followSequence(subscriber.client, subscriber.queue, { schema: 'public', name });
  }
  const values = names.map((name, n) => ({ schema: 'public', name, last_value: String(10 + n), is_called: true }));
  await subscriber.stream([insert('1,a,b', '2,c,d')], 7, values);
  const [row] = await subscriber.rows(
    `SELECT array_agg(last_value::int ORDER BY sequencename) AS found FROM pg_sequences WHERE schemaname = 'public'`,
  );
  expect(row).toEqual({ found: [10, 11, 12, 13, 14] });
});

test('a value beyond the bounds of a sequence is reported as one of the sequence', async () => {
  const subscriber = await subscribers.open();
  await subscriber.client.query('CREATE SEQUENCE public.small AS smallint');
  const at = { schema: 'public', name: 'small' };
  await followSequence(subscriber.client, subscriber.queue, at);
  await expect(subscriber.stream([], 7, [{ ...at, last_value: '70000', is_called: true }])).rejects.toMatchObject({
    message: expect.stringContaining('sequence public.small is outside its bounds'),
  });
});

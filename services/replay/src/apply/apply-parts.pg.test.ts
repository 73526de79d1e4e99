import fc from 'fast-check';
import { beforeEach, expect, test } from 'vitest';
import { change, gone, insert, t, useSubscribers } from '../../test/apply-fixture.ts';
import type { TestSection } from '../../test/test-batches.ts';
import type { TestSubscriber } from '../../test/test-subscriber.ts';

const subscribers = useSubscribers();
let subscriber: TestSubscriber;

beforeEach(async () => {
  subscriber = await subscribers.open({ minPartLines: 1 });
});

/** A table that notes each statement that updated it. */
async function notedTable(sql: string): Promise<void> {
  await subscriber.tables(
    `${sql};
     CREATE TABLE noted (n int GENERATED ALWAYS AS IDENTITY);
     CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO public.noted DEFAULT VALUES; RETURN NULL; END';
     CREATE TRIGGER note AFTER UPDATE ON t FOR EACH STATEMENT EXECUTE FUNCTION note();
     ALTER TABLE t ENABLE ALWAYS TRIGGER note`,
    t,
  );
}

async function statements(): Promise<number> {
  const [row] = await subscriber.rows('SELECT count(*)::int AS n FROM noted');
  await subscriber.rows('TRUNCATE noted');
  return Number(row?.['n']);
}

const rows = () => subscriber.rows('SELECT id, u, v FROM t ORDER BY id');

/** As long as one record of the tests below. */
const oneRecord = '(U,1,a,x,)\n'.length;

test('updates are applied while the rest of the batch is on its way', async () => {
  await notedTable('CREATE TABLE t (id int PRIMARY KEY, u text, v text)');
  await subscriber.apply([insert('1,a,x', '2,b,y')]);
  const sections = ['(U,1,c,x,)', '(U,2,d,y,)', '(U,1,e,x,)', '(U,2,f,z,)'].map((record) => change(record));
  await subscriber.stream(sections, oneRecord);
  expect(await rows()).toEqual([
    { id: 1, u: 'e', v: 'x' },
    { id: 2, u: 'f', v: 'z' },
  ]);
  expect(await statements()).toBe(4);
});

test('what is no update waits for the end, with all that follows', async () => {
  await notedTable('CREATE TABLE t (id int PRIMARY KEY, u text, v text)');
  await subscriber.apply([insert('1,a,x', '2,b,y')]);
  await subscriber.stream([change('(U,1,c,x,)', '(I,3,d,y,)', '(U,2,e,x,)', '(U,3,f,z,)')], oneRecord);
  expect((await rows()).map((row) => row['u'])).toEqual(['c', 'e', 'f']);
  expect(await statements()).toBe(2);
});

test('a line that a value with a newline cuts in two is never taken for a whole one', async () => {
  await notedTable('CREATE TABLE t (id int PRIMARY KEY, u text, v text)');
  await subscriber.apply([insert('1,a,x')]);
  for (let chunk = 1; chunk < 30; chunk += 1) {
    await subscriber.stream([change('(U,1,"a\n(U,1,b,"," ""\n""",)', `(U,1,"\n${chunk}",x,)`)], chunk);
    expect(await rows()).toEqual([{ id: 1, u: `\n${chunk}`, v: 'x' }]);
  }
});

test('a value in between that a constraint here refuses does not stand in the way of the last', async () => {
  await notedTable('CREATE TABLE t (id int PRIMARY KEY, u text UNIQUE, v text CHECK (v <> $$q$$))');
  await subscriber.apply([insert('1,a,x', '2,b,y')]);
  await subscriber.stream([change('(U,1,b,x,)', '(U,2,a,x,)')], oneRecord);
  expect((await rows()).map((row) => row['u'])).toEqual(['b', 'a']);
  await subscriber.stream([change('(U,1,b,q,)', '(U,1,b,w,)')], oneRecord);
  expect((await rows()).map((row) => row['v'])).toEqual(['w', 'x']);
  await expect(subscriber.stream([change('(U,1,b,w,)', '(U,1,b,q,)')], oneRecord)).rejects.toMatchObject({
    code: 'constraint',
  });
});

test('a row that is not there stops the batch, and nothing of its parts stays', async () => {
  await notedTable('CREATE TABLE t (id int PRIMARY KEY, u text, v text)');
  await subscriber.apply([insert('1,a,x')]);
  const missing = [change('(U,1,c,x,)', '(U,2,d,y,)')];
  await expect(subscriber.stream(missing, oneRecord)).rejects.toMatchObject({ code: 'conflict' });
  expect(await rows()).toEqual([{ id: 1, u: 'a', v: 'x' }]);
  const late = [change('(U,1,c,x,)'), gone('(D,1,)', '(D,2,)')];
  await expect(subscriber.stream(late, oneRecord)).rejects.toMatchObject({ code: 'conflict' });
  expect(await rows()).toEqual([{ id: 1, u: 'a', v: 'x' }]);
});

test('rows that another column order makes due after a part are applied in another mode when they must be', async () => {
  await notedTable('CREATE TABLE t (id int PRIMARY KEY, u text UNIQUE, v text)');
  await subscriber.apply([insert('1,a,x', '2,b,y')]);
  const part = `(U,1,a,${'x'.repeat(80)},)`;
  const swapped = { ...change('(U,2,z,a,)'), columns: ['id', 'v', 'u'] };
  await subscriber.stream([change(part), change('(U,1,b,x,)', '(U,2,a,y,)'), swapped], part.length + 1);
  expect(await rows()).toEqual([
    { id: 1, u: 'b', v: 'x' },
    { id: 2, u: 'a', v: 'z' },
  ]);
});

const step = fc.record({
  op: fc.constantFrom('U', 'U', 'U', 'U', 'U', 'I', 'D', 'R', 'A', 'T'),
  id: fc.integer({ min: 1, max: 4 }),
  value: fc.constantFrom('a', 'b', '"c\nd"', '""""'),
});

test('random batches in random pieces give the table of the model', async () => {
  await notedTable('CREATE TABLE t (id int PRIMARY KEY, u text, v text)');
  const model = new Map<number, string>();
  let inParts = 0;
  const say = ({ op, id, value }: { op: string; id: number; value: string }): TestSection | undefined => {
    if (op === 'T') {
      model.clear();
      return { table: t, form: 'truncate' };
    }
    const isThere = model.has(id);
    if ((op === 'U' || op === 'D' || op === 'A') !== isThere && op !== 'R') return undefined;
    if (op === 'D' || op === 'A') {
      model.delete(id);
      return gone(`(${op},${id},)`);
    }
    model.set(id, value);
    return change(`(${op},${id},${value},x,)`);
  };
  const pieces = fc.oneof(fc.constant(oneRecord), fc.integer({ min: 1, max: 80 }));
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 30 }), pieces, async (steps, chunk) => {
      const sections = steps.map(say).filter((section) => section !== undefined);
      if (sections.length === 0) return;
      await subscriber.stream(sections, chunk);
      inParts += (await statements()) > 1 ? 1 : 0;
      const raw = (value: string) => (value.startsWith('"') ? value.slice(1, -1).replaceAll('""', '"') : value);
      const wanted = [...model].toSorted(([a], [b]) => a - b).map(([id, u]) => ({ id, u: raw(u), v: 'x' }));
      expect(await rows()).toEqual(wanted);
    }),
    { numRuns: 150 },
  );
  expect(inParts).toBeGreaterThan(10);
});

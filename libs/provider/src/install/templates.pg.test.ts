import { describe, expect, test } from 'vitest';
import { captureFixture } from '../../test/capture-fixture.ts';
import { value } from '../../test/owned-database.ts';
import { queueFixture } from '../../test/queue-fixture.ts';
import { refreshTriggers } from '../mod.ts';
import { readTemplates } from './templates.ts';

const filled = `SELECT millrace.fill($1, $2)`;

test('a template is filled with values, literals and identifiers, and values are not filled again', async () => {
  const { client } = await queueFixture();
  const values = { a: `it's {{b}}`, b: 7, c: 'Odd "Name"\n--if x', d: `back\\slash` };
  const fill = (text: string, given: object) => value(client, filled, [text, JSON.stringify(given)]);
  expect(await fill(`{{a}} {{'a'}} {{b}} {{'b'}} {{"b"}} {{"c"}}\n`, { a: values.a, b: values.b, c: values.c })).toBe(
    `it's {{b}} 'it''s {{b}}' 7 '7' "7" "Odd ""Name""\n--if x"\n`,
  );
  expect(await fill(`{{'d'}}`, { d: values.d })).toBe(`E'back\\\\slash'`);
  expect(await fill('a\n--if x\nb {{n}}\n--if y\nc\n--end y\n--end x\nd\n', { x: true, y: false, n: 1 })).toBe(
    'a\nb 1\nd\n',
  );
  expect(await fill('a\n--if x\nb {{n}}\n--end x\nd\n', { x: false })).toBe('a\nd\n');
  const list = [
    { n: 1, in: [{ m: 'x' }, { m: 'y' }] },
    { n: 2, in: [] },
  ];
  expect(
    await fill('<\n--each of\n{{n}}\n--each in\n{{n}}{{m}}{{o}}\n--end in\n--end of\n>\n', { of: list, o: '!' }),
  ).toBe('<\n1\n1x!\n1y!\n2\n>\n');
});

test('the body of a function in a template becomes a literal that no value ends', async () => {
  const { client } = await queueFixture();
  const name = `$body$ '; DROP TABLE millrace.set; --\\`;
  const text = 'SELECT $body$\n"{{name}}"\n$body$;\n';
  const sql = await value(client, filled, [text, JSON.stringify({ name })]);
  expect(await value(client, sql)).toBe(`\n"${name}"\n`);
});

test('a template refuses a hole without a value, a value without a place, and blocks that do not fit', async () => {
  const { client } = await queueFixture();
  const refused: [string, object, RegExp][] = [
    ['{{a}} {{b}}', { a: 1 }, /no value for {{b}}/],
    ['{{a}}', { a: null }, /no value for {{a}}/],
    ['{{a}}', { a: 1, b: 2, c: 3 }, /values without a place in the template: b, c/],
    ['x\n--if a\ny\n--end a\n', {}, /no value that suits --if a/],
    ['x\n--if a\ny\n--end a\n', { a: 1 }, /no value that suits --if a/],
    ['x\n--each a\ny\n--end a\n', { a: true }, /no value that suits --each a/],
    ['x\n--if a\ny\n', { a: true }, /no --end for --if a/],
    ['x\n--when a\ny\n--end a\n', { a: true }, /no value that suits --when a/],
    ['x\n--each a\n{{b}}\n--end a\n', { a: [{ b: 1 }, {}] }, /no value for {{b}}/],
  ];
  for (const [text, values, message] of refused) {
    await expect(client.query(filled, [text, JSON.stringify(values)]), text).rejects.toMatchObject({
      code: 'P0001',
      message: expect.stringMatching(message),
    });
  }
  await expect(client.query(`SELECT millrace.template('none')`)).rejects.toMatchObject({ code: 'P0001' });
});

test('parts of templates stand in for their lines, indented and with their parameters', async () => {
  const { sql } = await readTemplates();
  expect(sql).not.toContain('--use ');
  expect(sql).toContain(`
        IF bytes > 0 THEN
            lines := '{}';
            bytes := 0;
            FOR line IN SELECT {{changed_row}} FROM mr_new AS n LOOP
`);
});

describe.each([15, 18])('on PostgreSQL %i', (major) => {
  test('capture functions that an older version made are made again, and capture until then', async () => {
    const at = await captureFixture(major, 'CREATE TABLE t (id int PRIMARY KEY, v text)', ['t']);
    const superuser = await at.openSuperuser();
    await superuser.query(`DO $$ DECLARE f regprocedure; BEGIN
      FOR f IN SELECT oid FROM pg_proc WHERE proname ~ '^capture_[0-9]' LOOP
        EXECUTE format('COMMENT ON FUNCTION %s IS %L', f, 'Millrace capture 3 ["public","t"] key=1;pins=');
      END LOOP; END $$`);
    await at.run(`INSERT INTO t VALUES (1, 'a')`);
    expect(await refreshTriggers(at.client, 'main')).toMatchObject([{ name: 't', problem: null }]);
    await at.run(`INSERT INTO t VALUES (2, 'b')`);
    await at.expectSame('t');
    expect(await refreshTriggers(at.client, 'main')).toEqual([]);
  });
});

import type { ColumnDescription, TableDescription } from '@millrace/postgres';
import { expect, test } from 'vitest';
import { blocking, mismatchesOf } from './table-mismatches.ts';

function column(name: string, type = 'int4', more: Partial<ColumnDescription> = {}): ColumnDescription {
  const parts = [{ path: '', type, mod: -1, labels: null }];
  return { name, type, parts, foldsCase: false, notNull: false, hasDefault: false, generated: false, ...more };
}

function table(columns: ColumnDescription[], more: Partial<TableDescription> = {}): TableDescription {
  return { kind: 'r', partition: false, columns, uniques: [['id']], primary: true, missing: [], usage: true, ...more };
}

const provider = table([column('id'), column('item', 'text')]);
const entry = { schema: 'public', name: 'entry' };
const compared = (there: TableDescription, here = provider) =>
  mismatchesOf({ table: entry, provider: here, subscriber: there, key: ['id'] });
const reasons = (there: TableDescription, here = provider) => blocking(compared(there, here)).map(({ text }) => text);

test('the same columns in another order, and further ones, are fine', () => {
  expect(reasons(table([column('item', 'text'), column('note', 'text'), column('id')]))).toEqual([]);
  const defaulted = column('made', 'timestamptz', { notNull: true, hasDefault: true });
  expect(reasons(table([...provider.columns, defaulted]))).toEqual([]);
});

test.each<[string, TableDescription, RegExp]>([
  ['a missing column', table([column('id')]), /has no column "item"/],
  ['another type', table([column('id'), column('item', 'int4')]), /column "item" is int4, at the provider text/],
  ['a narrower type', table([column('id', 'int2'), column('item', 'text')]), /column "id" is int2/],
  [
    'no key',
    table([...provider.columns], { uniques: [['item'], ['id', 'item']] }),
    /no unique index on the key \(id\)/,
  ],
  [
    'a column nobody fills',
    table([...provider.columns, column('x', 'int4', { notNull: true })]),
    /"x" is not at the provider, NOT NULL/,
  ],
  ['a view', table([...provider.columns], { kind: 'v' }), /is a view there/],
  ['a lack of rights', table([...provider.columns], { missing: ['INSERT', 'DELETE'] }), /lack INSERT, DELETE/],
  ['a closed schema', table([...provider.columns], { usage: false }), /may not use its schema/],
])('%s at the subscriber is refused', (_name, there, reason) => {
  expect(reasons(there).join('; ')).toMatch(reason);
});

test.each([
  ['int4', 'int8'],
  ['int2', 'numeric'],
  ['float4', 'float8'],
  ['varchar', 'text'],
  ['uuid', 'text'],
  ['jsonb', 'json'],
])('%s goes into %s', (from, to) => {
  expect(reasons(table([column('id'), column('v', to)]), table([column('id'), column('v', from)]))).toEqual([]);
});

test('a generated column may be missing or generated, not plain; a plain one not generated', () => {
  const here = table([column('id'), column('twice', 'int4', { generated: true })]);
  expect(reasons(table([column('id')]), here)).toEqual([]);
  expect(reasons(table([column('id'), column('twice', 'int4', { generated: true })]), here)).toEqual([]);
  expect(reasons(here, table([column('id'), column('twice')])).join()).toMatch(/"twice" is generated there/);
  expect(reasons(table([column('id'), column('twice')]), here).join()).toMatch(/"twice" is generated at the provider/);
});

test('a key must be compared alike at both ends', () => {
  const loose = table([column('id', 'text', { foldsCase: true })]);
  const strict = table([column('id', 'text')]);
  expect(reasons(strict, loose).join()).toMatch(/"id" is part of the key .* equal at the provider and not there/);
  expect(reasons(loose, strict).join()).toMatch(/"id" is part of the key .* equal there and not at the provider/);
  expect(reasons(strict, table([column('id', 'citext')])).join()).toMatch(
    /compares as text, at the provider as citext/,
  );
  expect(reasons(strict, table([column('id', 'numeric')])).join()).toMatch(/part of the key/);
  expect(reasons(strict, table([column('id', 'uuid')]))).toEqual([]);
});

const numeric = (precision: number, scale: number) => ((precision << 16) | scale) + 4;

test.each<[from: string, mod: number, to: string, mod: number]>([
  ['numeric', numeric(10, 4), 'numeric', numeric(10, 2)],
  ['numeric', -1, 'numeric', numeric(10, 2)],
  ['timestamp', -1, 'timestamp', 0],
  ['timestamptz', -1, 'timestamp', -1],
  ['float8', -1, 'float4', -1],
  ['text', -1, 'varchar', 24],
  ['text', -1, 'bpchar', 24],
  ['json', -1, 'jsonb', -1],
])('%s (%i) is refused where the subscriber has %s (%i): values would change unseen', (from, mod, to, toMod) => {
  const typed = (type: string, its: number) =>
    column('v', type, { parts: [{ path: '', type, mod: its, labels: null }] });
  expect(reasons(table([column('id'), typed(to, toMod)]), table([column('id'), typed(from, mod)])).join()).toMatch(
    /column "v" is/,
  );
});

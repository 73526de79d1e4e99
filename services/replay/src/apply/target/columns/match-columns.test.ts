import { parseSource } from '@millrace/model';
import type { SourceColumnRecord, TargetColumn, TargetTable } from '@millrace/subscriber';
import { expect, test } from 'vitest';
import { copiedColumns, matchColumns } from './match-columns.ts';

/** `name number type`, … of our table. */
function ours(text: string, oid = '50'): TargetTable {
  const columns = text.split(',').map((one): TargetColumn => {
    const [, name = '', number = '', type = ''] = /^ ?(\w+) (\d+) (.+)$/.exec(one) ?? [];
    const plain = { collate: '', generated: false, identity: null, exact: true };
    return { name, number: Number(number), declared: type, base: type, type, ...plain };
  });
  const table = { schema: 'public', name: 't', oid, partitioned: false, rowSecurity: false };
  const owner = { name: 'owner', oid: '10', code: [], actAs: false, recheck: false };
  return { ...table, columns, uniqueIndexes: [], referencedBy: [], parts: [], partOids: [oid], owner, version: '' };
}

function match(target: TargetTable, names: string, source: string, known: readonly SourceColumnRecord[]) {
  const columns = names.split(',').map((name) => (name === '-' ? null : name));
  const parsed = parseSource(source, columns.length);
  if (parsed === undefined) throw new Error('not a source');
  return matchColumns(target, { columns, source: parsed }, known);
}

const table = ours('id 1 integer, a 2 integer, b 3 text');
const known = copiedColumns(table, { columns: ['id', 'a', 'b'], source: '7:1i,2i,3t' });

test('a copy says which column fills which; what is known changes nothing', () => {
  expect(known.map(({ number, ourNumber, type }) => [number, ourNumber, type])).toEqual([
    [1, 1, 'integer'],
    [2, 2, 'integer'],
    [3, 3, 'text'],
  ]);
  expect(match(table, 'id,a,b', '7:1i,2i,3t', known)).toEqual({ records: [], isOtherTable: false });
  expect(match(table, 'id', '7:1i', known).records).toEqual([]);
  expect(match(table, 'id,-,b', '7:1i,9i,3t', known).records).toEqual([]);
  expect(copiedColumns(table, { columns: ['id'] })).toEqual([]);
});

test('events of older triggers have numbers alone: they are checked, and types are accepted when they come', () => {
  const first = match(table, 'id,a,b', '7:1,2,3', []).records;
  expect(first.map(({ type }) => type)).toEqual([null, null, null]);
  const later = match(table, 'id,a,b', '7:1i,2i,3t', first).records;
  expect(later.map(({ type, formerType }) => [type, formerType])).toEqual([
    ['integer', null],
    ['integer', null],
    ['text', null],
  ]);
  expect(match(table, 'id,a,b', '7:1,2,3', later).records).toEqual([]);
  expect(() => match(table, 'id,b,a', '7:1,2,3', first)).toThrow(/renamed there/);
});

test('a renaming at both ends is taken, at one end it is not', () => {
  const renamed = ours('id 1 integer, c 2 integer, b 3 text');
  expect(match(renamed, 'id,c,b', '7:1i,2i,3t', known).records).toMatchObject([{ number: 2, name: 'c', ourNumber: 2 }]);
  const added = ours('id 1 integer, a 2 integer, b 3 text, c 4 integer');
  expect(() => match(added, 'id,c,b', '7:1i,2i,3t', known)).toThrow(/has in column "a": columns were renamed/);
  expect(match(table, 'id,c,b', '7:1i,2i,3t', known).records).toEqual([]);
});

test('exchanged names, a column added again there or here, and a name taken over are reported', () => {
  expect(() => match(table, 'id,b,a', '7:1i,2i,3t', known)).toThrow(/column "b" .* has in column "a"/);
  expect(() => match(table, 'id,a,b', '7:1i,4i,3t', known)).toThrow(/column "a" .* dropped and added again/);
  expect(() => match(table, 'id,a,c', '7:1i,4i,2i', known)).toThrow(/another one took its name/);
  expect(() => match(ours('id 1 integer, a 4 integer, b 3 text'), 'id,a,b', '7:1i,2i,3t', known)).toThrow(
    /created again/,
  );
  const both = ours('id 1 integer, a 4 integer, b 3 text');
  expect(match(both, 'id,a,b', '7:1i,4i,3t', known).records).toMatchObject([{ number: 4, ourNumber: 4 }]);
});

test('another type is taken where nothing is lost, and remembered until it is compared', () => {
  const [wider] = match(table, 'a', '7:2l', known).records;
  expect(wider).toMatchObject({ type: 'bigint', formerType: 'integer' });
  const [again] = match(table, 'a', '7:2s', wider === undefined ? [] : [wider]).records;
  expect(again).toMatchObject({ type: 'smallint', formerType: 'integer' });
  expect(() => match(table, 'a', '7:2t', known)).toThrow(
    /column "a" of table public.t is text .* and integer at the sub/,
  );
  expect(match(ours('a 2 bigint'), 'a', '7:2i', known).records).toMatchObject([
    { ourType: 'bigint', formerType: null },
  ]);
  expect(() => match(ours('a 2 real'), 'a', '7:2i', known)).toThrow(/is integer at the provider and real/);
});

test('types that only their database knows are accepted the first time, and not later', () => {
  const mood = ours('m 1 public.mood');
  const first = match(mood, 'm', '7:1"app.mood"', []).records;
  expect(first).toHaveLength(1);
  expect(match(mood, 'm', '7:1"app.mood"', first).records).toEqual([]);
  expect(() => match(mood, 'm', '7:1"app.temper"', first)).toThrow(/is not known/);
  expect(() => match(ours('m 1 numeric(8,2)'), 'm', '7:1"public.amount"=n9.3', [])).toThrow(/public.amount/);
});

test('a table created again, here or there, is compared as if for the first time', () => {
  expect(match(ours('id 2 integer, a 1 integer, b 3 text', '51'), 'id,a,b', '7:1i,2i,3t', known)).toMatchObject({
    isOtherTable: true,
  });
  expect(match(table, 'id,b,a', '8:1i,2t,3i', known).isOtherTable).toBe(true);
  expect(match(table, 'id,b,a', '8:1i,2t,3i', known).records).toHaveLength(3);
});

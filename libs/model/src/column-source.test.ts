import { expect, test } from 'vitest';
import { parseSource, splitColumns } from './column-source.ts';

test.each([
  ['["id","v"] 16421:1i,2v20', '["id","v"]', '16421:1i,2v20'],
  ['["a] 1:2","b\\"] 3:4",null] 7:1,2,3', '["a] 1:2","b\\"] 3:4",null]', '7:1,2,3'],
  ['["id"]', '["id"]', ''],
  ['[]', '[]', ''],
  ['', '', ''],
])('%s is split behind the names', (text, names, source) => {
  expect(splitColumns(text)).toEqual({ names, source });
});

test('numbers and types are read, common ones and others, with what domains are made of', () => {
  const text =
    '16421:1i,2n10.2,4v20,5"public.\\"odd, 1:2\\"",6"public.amount"=n10.4,7n3.-2,8"public.level"="public.grade"';
  expect(parseSource(text, 7)).toEqual({
    relation: '16421',
    columns: [
      { number: 1, type: 'integer', base: 'integer' },
      { number: 2, type: 'numeric(10,2)', base: 'numeric(10,2)' },
      { number: 4, type: 'character varying(20)', base: 'character varying(20)' },
      { number: 5, type: 'public."odd, 1:2"', base: 'public."odd, 1:2"' },
      { number: 6, type: 'public.amount', base: 'numeric(10,4)' },
      { number: 7, type: 'numeric(3,-2)', base: 'numeric(3,-2)' },
      { number: 8, type: 'public.level', base: 'public.grade' },
    ],
  });
});

test('older events carry numbers alone', () => {
  expect(parseSource('7:1,3', 2)?.columns).toEqual([
    { number: 1, type: null, base: null },
    { number: 3, type: null, base: null },
  ]);
});

test.each([
  '',
  'x',
  '7',
  '7:1i',
  '7:1i,0t',
  '7:1i,2t,3t',
  '7:1i,t',
  '7:1i,2"open',
  '7:1i;2t',
  '7:1"\\x",2t',
  '7:1"a\nb",2t',
  '7:123456i,2t',
])('nothing is made of %j for two columns', (text) => {
  expect(parseSource(text, 2)).toBeUndefined();
});

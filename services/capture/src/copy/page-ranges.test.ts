import { expect, test } from 'vitest';
import { rangesFor } from './page-ranges.ts';

const of = { schema: 'public', name: 't' };
const heap = (pages: number) => [{ ...of, pages }];

test('a large table is cut into parts that meet, the last one open; a small one, or for one reader, is not cut', () => {
  expect(rangesFor(heap(20_000), { readers: 1, partPages: 8192 })).toEqual(['all']);
  expect(rangesFor([], { readers: 4, partPages: 8192 })).toEqual(['all']);
  expect(rangesFor(heap(8192), { readers: 4, partPages: 8192 })).toEqual(['all']);
  expect(rangesFor(heap(8193), { readers: 4, partPages: 8192 })).toEqual([
    { of, from: 0, to: 8192 },
    { of, from: 8192, to: null },
  ]);
  expect(rangesFor(heap(30_000), { readers: 2, partPages: 8192 }).at(-1)).toEqual({ of, from: 24_576, to: null });
});

test('partitions are parts of their own, a large one several, none is left out', () => {
  const small = { schema: 'public', name: 'small' };
  const empty = { schema: 'public', name: 'empty' };
  const heaps = [...heap(9000), { ...small, pages: 3 }, { ...empty, pages: 0 }];
  expect(rangesFor(heaps, { readers: 2, partPages: 8192 })).toEqual([
    { of, from: 0, to: 8192 },
    { of, from: 8192, to: null },
    { of: small, from: 0, to: null },
    { of: empty, from: 0, to: null },
  ]);
});

import { expect, test } from 'vitest';
import { rangesFor } from './page-ranges.ts';

test('a large table is cut into parts that meet, the last one open; a small one, or for one reader, is not cut', () => {
  expect(rangesFor(20_000, { readers: 1, partPages: 8192 })).toEqual(['all']);
  expect(rangesFor(null, { readers: 4, partPages: 8192 })).toEqual(['all']);
  expect(rangesFor(8192, { readers: 4, partPages: 8192 })).toEqual(['all']);
  expect(rangesFor(8193, { readers: 4, partPages: 8192 })).toEqual([
    { from: 0, to: 8192 },
    { from: 8192, to: null },
  ]);
  expect(rangesFor(30_000, { readers: 2, partPages: 8192 }).at(-1)).toEqual({ from: 24_576, to: null });
});

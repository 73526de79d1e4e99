import { expect, test } from 'vitest';
import { alignColumns } from './show.ts';

test('a name in a table neither writes to the terminal nor makes a line of its own', () => {
  const names = ['a\u001b[2Jb', 'all is well\nc', '\u202ed'];
  expect(alignColumns([['TABLE', 'STATE'], ...names.map((name) => [name, 'ok'])])).toBe(
    'TABLE           STATE\na\\x1b[2Jb       ok\nall is well\\nc  ok\n\\u202ed         ok',
  );
});

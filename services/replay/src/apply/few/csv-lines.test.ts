import { expect, test } from 'vitest';
import { netKind, netOfLines } from '../net-change.ts';
import { arrayOf, compositeOf, parseRecords } from './csv-lines.ts';

test('records are cut at newlines outside quotes only, and keep their quotes', () => {
  expect(parseRecords(Buffer.from('(U,1,"a,\n""b""",,)\n(D,2,"",)\n'))).toEqual([
    ['(U', '1', '"a,\n""b"""', '', ')'],
    ['(D', '2', '""', ')'],
  ]);
});

test('a record that is cut short is refused, bytes that are no text are left to the server', () => {
  expect(() => parseRecords(Buffer.from('(U,1,"a'))).toThrow('ends inside a record');
  expect(() => parseRecords(Buffer.from('(U,1,)'))).toThrow('ends inside a record');
  expect(parseRecords(Buffer.from([0x31, 0xff, 0x0a]))).toBeUndefined();
});

test('composite values have their backslashes doubled, array elements once more', () => {
  const value = compositeOf(['1', '"a\\b ""c"""', '']);
  expect(value).toBe('(1,"a\\\\b ""c""",)');
  expect(arrayOf([value, '(2,,)'])).toBe('{"(1,\\"a\\\\\\\\b \\"\\"c\\"\\"\\",)","(2,,)"}');
});

test('the first and the last line of a key decide what is done', () => {
  expect(netKind('I', 'U', false)).toBe('insert');
  expect(netKind('I', 'D', false)).toBeUndefined();
  expect(netKind('U', 'D', false)).toBe('remove');
  expect(netKind('D', 'I', false)).toBe('update');
  expect(netKind('U', 'D', true)).toBe('wipe');
  expect(netKind('U', 'R', true)).toBe('put');
  const line = (op: 'I' | 'U' | 'D', ...fields: string[]) => ({ op, fields });
  const net = netOfLines([line('I', '1', 'a'), line('U', '2', 'b'), line('U', '1', 'c'), line('D', '2', '')], [0]);
  expect(net).toMatchObject({ insert: [['1', 'c']], remove: [['2', '']], update: [] });
});

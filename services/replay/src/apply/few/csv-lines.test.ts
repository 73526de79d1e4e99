import { expect, test } from 'vitest';
import { arrayOf, compositeOf, parseRecords } from './csv-lines.ts';

test('records are cut at newlines outside quotes only, and keep their quotes', () => {
  expect(parseRecords(Buffer.from('(U,1,"a,\n""b""",,)\n(D,2,"",)\n'), 2)).toEqual([
    ['(U', '1', '"a,\n""b"""', '', ')'],
    ['(D', '2', '""', ')'],
  ]);
});

test('a record that is cut short is refused, bytes that are no text are left to the server', () => {
  expect(() => parseRecords(Buffer.from('(U,1,"a'), 1)).toThrow('ends inside a record');
  expect(() => parseRecords(Buffer.from('(U,1,)'), 1)).toThrow('ends inside a record');
  expect(parseRecords(Buffer.from([0x31, 0xff, 0x0a]), 1)).toBeUndefined();
});

test('composite values have their backslashes doubled, array elements once more', () => {
  const value = compositeOf(['1', '"a\\b ""c"""', '']);
  expect(value).toBe('(1,"a\\\\b ""c""",)');
  expect(arrayOf([value, '(2,,)'])).toBe('{"(1,\\"a\\\\\\\\b \\"\\"c\\"\\"\\",)","(2,,)"}');
});

test('a section that holds more records than announced is refused where the first one too many ends', () => {
  // Behind that place nothing is read: the end inside a record is not found.
  expect(() => parseRecords(Buffer.from('1\n2\n"'), 1)).toThrow('another number of records');
  expect(() => parseRecords(Buffer.from('1\n'), 2)).toThrow('another number of records');
});

import { expect, test } from 'vitest';
import { printable, printableJson, printableLine } from './printable.ts';

test.each([
  ['\u001b[2J\u0007', '\\x1b[2J\\x07'],
  ['\u009b31m\u007f\r', '\\x9b31m\\x7f\\x0d'],
  ['a\u202eb\u2066c\u200f\u2028', 'a\\u202eb\\u2066c\\u200f\\u2028'],
  ['two\nlines\tand é, 😀, 表', 'two\nlines\tand é, 😀, 表'],
])('%j is shown as what cannot harm', (text, expected) => {
  expect(printable(text)).toBe(expected);
});

test('what must stay on one line does', () => {
  expect(printableLine('a\n\tb\u001b')).toBe('a\\n\\tb\\x1b');
});

test('JSON says the same as before', () => {
  const value = { name: 'a\u001b\u009b\u202e"\\\n\u007f', more: ['é', '\u2028'] };
  const line = `${JSON.stringify(value)}\n`;
  expect(JSON.parse(printableJson(line))).toEqual(value);
  expect(printableJson(line)).toMatch(/^[^\u007f-\u009f\u202e\u2028]*\n$/);
});

import { expect, test } from 'vitest';
import { showEvents } from './show-queues.ts';

test('what an event holds cannot write to the terminal, nor make lines of its own', () => {
  const event = { id: 1, time: 't', retry: null, type: 'a\u001b[2J\nb', data: 'x\u001b]0;title\u0007\u009by\r\nz' };
  const shown = showEvents([event], ['MORE', () => '-']);
  expect(shown.split('\n')).toHaveLength(2);
  expect(shown.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
});

import { expect, test } from 'vitest';
import { parseDuration, showDuration } from './duration.ts';

test.each([
  ['500ms', 500],
  ['60s', 60_000],
  ['2m', 120_000],
  ['1.5h', 5_400_000],
  ['7', 7_000],
  ['0s', 0],
])('%s is a duration', (text, ms) => {
  expect(parseDuration(text, '--timeout')).toBe(ms);
});

test.each(['', 's', '-1s', '1 s', '5q', '1e3s', '9999h', 'NaN'])('%j is refused as wrong usage', (text) => {
  expect(() => parseDuration(text, '--timeout')).toThrow(/--timeout: .* is not a duration/);
});

test('durations are shown in the unit that fits', () => {
  expect([0, 85, 4_200, 180_000, 7_200_000].map(showDuration)).toEqual(['0 ms', '85 ms', '4.2 s', '3 min', '2 h']);
  expect(showDuration(null)).toBe('-');
});

import { expect, test } from 'vitest';
import { Pace, pauseAfterRefresh } from './pace.ts';

const bounds = { activeMs: 10, idleMs: 500 };

test('while events arrive the pace is the active one, the question included', () => {
  expect(new Pace(bounds).after({ tookMs: 1, foundEvents: true, now: 0 })).toBe(9);
});

test('in silence pauses grow with it up to the idle pause, and one event makes them short again', () => {
  const pace = new Pace(bounds);
  const pauseAt = (now: number) => pace.after({ tookMs: 1, foundEvents: false, now });
  expect(pauseAt(1_000)).toBe(10);
  expect(pauseAt(2_000)).toBe(25);
  expect(pauseAt(5_000)).toBe(100);
  expect(pauseAt(60_000)).toBe(500);
  expect(pace.after({ tookMs: 1, foundEvents: true, now: 61_000 })).toBe(9);
  expect(pauseAt(61_100)).toBe(10);
});

test('a slow database gets a rest as long as its answer, but no longer than the idle pause', () => {
  const pace = new Pace(bounds);
  expect(pace.after({ tookMs: 40, foundEvents: true, now: 0 })).toBe(40);
  expect(pace.after({ tookMs: 4_000, foundEvents: true, now: 0 })).toBe(500);
});

test('triggers are refreshed every half minute or more often, on a slow machine too, unless there are thousands of tables', () => {
  expect([5, 100, 1_000, 5_000].map(pauseAfterRefresh)).toEqual([500, 10_000, 30_000, 100_000]);
});

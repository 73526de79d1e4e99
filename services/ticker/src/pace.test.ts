import { expect, test } from 'vitest';
import { Pace } from './pace.ts';

const found = { tookMs: 1, foundEvents: true };
const nothing = { tookMs: 1, foundEvents: false };

test('while events arrive the pace is the active one, the question included', () => {
  expect(new Pace({ activeMs: 10, idleMs: 100 }).after(found)).toBe(9);
});

test('without events pauses grow by half up to the idle pause, and one event makes them short again', () => {
  const pace = new Pace({ activeMs: 10, idleMs: 100 });
  const pauses = Array.from({ length: 10 }, () => pace.after(nothing));
  expect(pauses[0]).toBe(15);
  expect(pauses.at(-1)).toBe(100);
  expect(pace.after(found)).toBe(9);
  expect(pace.after(nothing)).toBe(15);
});

test('a slow database gets a rest as long as its answer, but no longer than the idle pause', () => {
  const pace = new Pace({ activeMs: 10, idleMs: 100 });
  expect(pace.after({ tookMs: 40, foundEvents: true })).toBe(40);
  expect(pace.after({ tookMs: 4_000, foundEvents: true })).toBe(100);
});

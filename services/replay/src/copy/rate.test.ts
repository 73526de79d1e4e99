import { expect, test } from 'vitest';
import { Rate } from './rate.ts';

function rateAt(clock: { ms: number }): Rate {
  return new Rate(10_000, () => clock.ms);
}

test('a rate is that of the last seconds, falls while nothing comes, and starts again with the count', () => {
  const clock = { ms: 0 };
  const rate = rateAt(clock);
  rate.note(0);
  expect(rate.perSecond()).toBeUndefined();
  for (let n = 1; n <= 200; n += 1) {
    clock.ms += 100;
    rate.note(n * 100);
  }
  expect(rate.perSecond()).toBe(1000);
  for (let n = 1; n <= 200; n += 1) {
    clock.ms += 100;
    rate.note(20_000 + n * 10);
  }
  expect(rate.perSecond()).toBe(100);
  clock.ms += 100_000;
  expect(rate.perSecond()).toBeLessThan(15);
  rate.note(0);
  expect(rate.perSecond()).toBeUndefined();
});

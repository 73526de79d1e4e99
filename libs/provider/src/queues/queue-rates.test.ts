import { expect, test } from 'vitest';
import { RateMeter } from './queue-rates.ts';

test('rates are of the time between two samples; none at the first one, of what is new, or without ids', () => {
  const meter = new RateMeter();
  const sample = (events: number | null, read: number, at: number) =>
    meter.add([{ name: 'q', eventId: events }], [{ queue: 'q', name: 'c', eventId: read }], at);
  const first = sample(100, 40, 0);
  expect([first.queue('q'), first.consumer('q', 'c')]).toEqual([null, null]);
  const second = sample(300, 50, 2_000);
  expect([second.queue('q'), second.consumer('q', 'c'), second.queue('new')]).toEqual([100, 5, null]);
  const setBack = sample(null, 10, 3_000);
  expect([setBack.queue('q'), setBack.consumer('q', 'c')]).toEqual([null, 0]);
  const sameMoment = sample(300, 10, 3_000);
  expect(sameMoment.consumer('q', 'c')).toBeNull();
});

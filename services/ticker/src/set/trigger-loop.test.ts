import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { triggerLoop } from './trigger-loop.ts';

test('looking after many triggers takes a small share of the time', async () => {
  let looks = 0;
  const passes = Promise.withResolvers<void>();
  let reports = 0;
  const loop = triggerLoop(
    {
      report: async () => {
        reports += 1;
        if (reports > 12) passes.resolve();
      },
      refreshTriggers: async () => {
        looks += 1;
        await delay(50);
        return [];
      },
      close: async () => {},
    },
    5,
  );
  onTestFinished(() => loop.stop());
  await loop.start();
  await passes.promise;
  expect(looks).toBe(1);
});

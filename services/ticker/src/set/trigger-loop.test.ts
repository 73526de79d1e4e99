import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { triggerLoop } from './trigger-loop.ts';

test('maintaining many triggers takes a small share of the time', async () => {
  let refreshes = 0;
  const passes = Promise.withResolvers<void>();
  let reports = 0;
  const loop = triggerLoop(
    {
      report: async () => {
        reports += 1;
        if (reports > 12) passes.resolve();
      },
      refreshTriggers: async () => {
        refreshes += 1;
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
  expect(refreshes).toBe(1);
});

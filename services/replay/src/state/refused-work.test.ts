import { codes, MillraceError } from '@millrace/errors';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { RefusedWork } from './refused-work.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

const refusal = new MillraceError(codes.CONSTRAINT, 'refused');

/** How often a batch is tried in ten minutes of passes a second apart. */
async function attemptsIn10Minutes(work: RefusedWork, error: unknown = refusal): Promise<number> {
  let attempts = 0;
  for (let second = 0; second < 600; second++, vi.advanceTimersByTime(1000)) {
    if ((await work.pausedBy('7')) !== undefined) continue;
    attempts++;
    work.failed('7', error);
  }
  return attempts;
}

test('the same refusal is tried ever more rarely, a fault that passes is not', async () => {
  const options = { minMs: 1000, maxMs: 20_000, signs: async () => 'same' };
  expect(await attemptsIn10Minutes(new RefusedWork(options))).toBeLessThan(38);
  const busy = new MillraceError(codes.DATABASE_BUSY, 'busy');
  expect(await attemptsIn10Minutes(new RefusedWork(options), busy)).toBe(600);
});

test('other work, a success and signs of a repair end the pause', async () => {
  let signs = 'before';
  const work = new RefusedWork({ minMs: 3_600_000, maxMs: 3_600_000, signs: async () => signs });
  work.failed('7', refusal);
  expect(await work.pausedBy('7')).toBe(refusal);
  expect(await work.pausedBy('8')).toBeUndefined();
  signs = 'after';
  expect(await work.pausedBy('7')).toBeUndefined();
  expect(await work.pausedBy('7')).toBe(refusal);
  work.succeeded();
  expect(await work.pausedBy('7')).toBeUndefined();
});

import { codes } from '@millrace/errors';
import { expect, test } from 'vitest';
import { Slots } from './slots.ts';

test('so many run, so many wait, the next one is refused, and who leaves frees a place', async () => {
  const slots = new Slots({ what: 'requests', maxRunning: 2, maxWaiting: 1 });
  const never = new AbortController().signal;
  const leaving = new AbortController();
  const ends = [1, 2].map(() => Promise.withResolvers<void>());
  const running = ends.map(({ promise }) => slots.run(never, () => promise));
  const waiting = slots.run(leaving.signal, async () => 'never runs');
  await expect(slots.run(never, async () => 'x')).rejects.toMatchObject({ code: codes.TOO_MANY });
  leaving.abort();
  await expect(waiting).rejects.toMatchObject({ code: codes.CANCELLED });
  const next = slots.run(never, async () => 'its turn');
  ends[0]?.reject(new Error('failed'));
  await expect(running[0]).rejects.toThrow('failed');
  expect(await next).toBe('its turn');
  ends[1]?.resolve();
  await running[1];
  expect(await slots.run(never, async () => 'free again')).toBe('free again');
});

import { expect, test } from 'vitest';
import { PieceSizer } from './piece-size.ts';

test('pieces grow while events are small, and shrink immediately when they are not', () => {
  const sizer = new PieceSizer({ characters: 10_000, events: 1_000 });
  const after = (size: number) => {
    sizer.saw([size, 1]);
    return sizer.next;
  };
  expect(sizer.next).toBe(100);
  expect([after(1), after(1), after(200), after(50_000), after(1)]).toEqual([500, 1_000, 50, 1, 5]);
});

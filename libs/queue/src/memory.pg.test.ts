import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { createDatabase } from '@millrace/testkit';
import { expect, test } from 'vitest';
import { PieceSizer } from './piece-size.ts';

test('a batch of 400,000 events, 100 MB of text, is consumed by a process that stays below 192 MiB', async () => {
  const { url } = await createDatabase();
  const script = join(import.meta.dirname, '../test/large-batch.ts');
  const result = JSON.parse(execFileSync(process.execPath, [script, '400000', url], { encoding: 'utf8' }));
  expect(result.events).toBe(400_000);
  expect(result.peakMiB).toBeLessThan(192);
});

test('pieces grow while events are small, and shrink at once when they are not', () => {
  const sizer = new PieceSizer({ characters: 10_000, events: 1_000 });
  const after = (size: number) => {
    sizer.saw([size, 1]);
    return sizer.next;
  };
  expect(sizer.next).toBe(100);
  expect([after(1), after(1), after(200), after(50_000), after(1)]).toEqual([500, 1_000, 50, 1, 5]);
});

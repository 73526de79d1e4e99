import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { createDatabase } from '@millrace/testkit';
import { expect, test } from 'vitest';

test('one batch of 150,000 events, 36 MB of text, is consumed by a process with 64 MiB of heap that stays below 160 MiB', async () => {
  const { url } = await createDatabase();
  const script = join(import.meta.dirname, '../../test/large-batch.ts');
  const result = JSON.parse(execFileSync(process.execPath, [script, '150000', url], { encoding: 'utf8' }));
  expect(result.events).toBe(150_000);
  expect(result.peakMiB).toBeLessThan(160);
});

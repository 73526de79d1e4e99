import { codes, MillraceError } from '@millrace/errors';
import { expect, test } from 'vitest';
import type { Applier } from '../apply/applier.ts';
import { RetryOneByOne } from '../apply/errors/retry-signals.ts';
import type { Followed } from '../apply/plan/followed.ts';
import type { Ready } from '../feed/batch-feed.ts';
import { ApplyStep } from './apply-step.ts';

const tick = (number: number) => ({ tick: number, fingerprint: '0'.repeat(32), time: '2026-01-01T00:00:00.000Z' });

/** What `run` throws for this many batches up to tick 9 when applying them fails. */
async function failing(batches: number, error: MillraceError): Promise<{ thrown: unknown; step: ApplyStep }> {
  const applier = { applyWhole: () => Promise.reject(error) } as unknown as Applier;
  const step = new ApplyStep(applier, 'main');
  const ready = { from: tick(7), to: tick(9), batches, headers: [], work: { whole: [] }, sequence: null };
  const thrown = await step.run(ready as unknown as Ready, {} as Followed).catch((reason: unknown) => reason);
  return { thrown, step };
}

const missing = new MillraceError(codes.SUBSCRIBER_SCHEMA, 'lacks column "w"');

test('several batches that fail together are applied one by one before anything is reported', async () => {
  const { thrown, step } = await failing(2, missing);
  expect(thrown).toBeInstanceOf(RetryOneByOne);
  expect(step.isOneByOne(tick(7))).toBe(true);
  expect(step.isOneByOne(tick(9))).toBe(false);
});

test('one batch that fails is reported, and so is what passes without a person', async () => {
  expect((await failing(1, missing)).thrown).toMatchObject({ code: codes.SUBSCRIBER_SCHEMA });
  const gone = new MillraceError(codes.DATABASE_UNREACHABLE, 'gone');
  expect((await failing(2, gone)).thrown).toMatchObject({ code: codes.DATABASE_UNREACHABLE });
});

import { codes, MillraceError } from '@millrace/errors';
import { expect, test } from 'vitest';
import { JobBook, jobDocument } from './jobs.ts';

const who = { verb: 'add', actor: 'http:127.0.0.1' };

test('a job tells what it came to, also when it failed', async () => {
  const jobs = new JobBook();
  const good = jobs.start(who, async ({ note, result }) => {
    note('on its way');
    result({ added: [] });
    return 0;
  });
  const bad = jobs.start(who, () => Promise.reject(new MillraceError(codes.NOT_FOUND, 'a\nb', { advice: 'look' })));
  await Promise.all([jobs.settled(good, 60_000), jobs.settled(bad, 60_000)]);
  expect(good).toMatchObject({
    state: 'done',
    notes: ['on its way'],
    result: { added: [] },
    exit_code: 0,
    error: null,
  });
  expect(bad).toMatchObject({ state: 'failed', exit_code: 1, error: { code: 'not-found', message: 'a; b; look' } });
  expect(jobs.list().map(({ id }) => id)).toEqual([bad.id, good.id]);
  for (const job of jobs.list()) expect(jobDocument.parse(job)).toEqual(job);
});

test('waiting ends with the job or with the time, whichever comes first', async () => {
  const jobs = new JobBook();
  const { promise, resolve } = Promise.withResolvers<number>();
  const job = jobs.start(who, () => promise);
  await jobs.settled(job, 1);
  expect(job.state).toBe('running');
  resolve(0);
  await jobs.settled(job, 60_000);
  expect(job.state).toBe('done');
});

test('not too many run at once, and old ones are forgotten, never one that runs', async () => {
  const jobs = new JobBook();
  const { promise, resolve } = Promise.withResolvers<number>();
  const first = jobs.start(who, () => promise);
  for (let i = 0; i < 300; i += 1)
    await jobs.settled(
      jobs.start(who, async () => 0),
      60_000,
    );
  expect(jobs.list().length).toBeLessThanOrEqual(200);
  expect(jobs.get(first.id)).toBe(first);
  for (let i = 0; i < 15; i += 1) jobs.start(who, () => promise);
  expect(() => jobs.start(who, async () => 0)).toThrow(expect.objectContaining({ code: codes.TOO_MANY }));
  resolve(0);
  await jobs.settled(first, 60_000);
});

test('what a job says is bounded', async () => {
  const jobs = new JobBook();
  const job = jobs.start(who, async ({ note }) => {
    for (let i = 0; i < 1_000; i += 1) note(String(i));
    return 0;
  });
  await jobs.settled(job, 60_000);
  expect([job.notes.length, job.notes.at(-1)]).toEqual([500, '999']);
});

import { codes, MillraceError } from '@millrace/errors';
import { z } from 'zod';
import { type JobBook, jobDocument } from './jobs.ts';
import type { Route } from './route.ts';

/** Commands that were given over HTTP, while admin runs. */
export function jobRoutes(jobs: JobBook): Route[] {
  const list: Route = {
    name: 'list-jobs',
    method: 'GET',
    path: '/api/v1/jobs',
    summary: 'The newest commands that were given over HTTP, newest first.',
    access: 'guarded',
    answers: { 200: { description: 'Up to 200 jobs.', schema: z.strictObject({ jobs: z.array(jobDocument) }) } },
    answer: async () => ({ status: 200, body: { jobs: jobs.list() } }),
  };
  const one: Route = {
    name: 'get-job',
    method: 'GET',
    path: '/api/v1/jobs/{id}',
    summary: 'How a command goes, or what it came to.',
    access: 'guarded',
    answers: { 200: { description: 'The job.', schema: jobDocument } },
    answer: async ({ params: { id = '' } }) => {
      const job = jobs.get(id);
      if (job !== undefined) return { status: 200, body: job };
      throw new MillraceError(codes.NOT_FOUND, `there is no job ${JSON.stringify(id)}`, {
        advice: 'admin forgets jobs when it is restarted; see `millrace audit`',
      });
    },
  };
  return [list, one];
}

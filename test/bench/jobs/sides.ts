import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { fetched } from '../../harness/fetched.ts';
import { type GraphileWorkerModule, graphileJobs } from './graphile-worker.ts';
import { millraceJobs } from './millrace.ts';
import { type PgBossModule, pgBossJobs } from './pg-boss.ts';
import type { JobQueue } from './side.ts';

/** By the names of their databases. */
export interface JobSides {
  readonly millrace: JobQueue;
  readonly boss: JobQueue;
  readonly graphile: JobQueue;
}

/** The others are no dependency of ours: they are fetched when they are first asked for. Or why they cannot be had. */
export async function jobSides(): Promise<JobSides | string> {
  const { dir, why } = fetched('job-queues');
  if (dir === undefined) return why;
  const { resolve } = createRequire(join(dir, 'package.json'));
  const load = (name: string): Promise<unknown> => import(pathToFileURL(resolve(name)).href);
  return {
    millrace: millraceJobs,
    boss: pgBossJobs((await load('pg-boss')) as PgBossModule),
    graphile: graphileJobs((await load('graphile-worker')) as GraphileWorkerModule),
  };
}

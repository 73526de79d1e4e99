import { FETCHED_AT_ONCE, type Job, type JobQueue, MAX_SESSIONS, type OpenJobQueue } from './side.ts';

/** What is used of graphile-worker. */
export interface GraphileWorkerModule {
  readonly WorkerPreset: object;
  readonly Logger: new (factory: () => (level: string, message: string) => void) => object;
  makeWorkerUtils(options: { readonly preset: object }): Promise<WorkerUtils>;
  run(options: {
    readonly preset: object;
    readonly noHandleSignals: boolean;
    readonly parsedCronItems: readonly never[];
    readonly taskList: Readonly<Record<string, (payload: unknown) => Promise<void>>>;
  }): Promise<{ stop(): Promise<void> }>;
}

interface WorkerUtils {
  migrate(): Promise<void>;
  addJob(identifier: string, payload: Job): Promise<unknown>;
  addJobs(specs: readonly { readonly identifier: string; readonly payload: Job }[]): Promise<unknown>;
  release(): Promise<void>;
}

const identifier = 'job';

/** graphile-worker with what its page on performance has; several consumers are its concurrency. */
export function graphileJobs({ WorkerPreset, Logger, makeWorkerUtils, run }: GraphileWorkerModule): JobQueue {
  // It would say a line for every job.
  const logger = new Logger(() => (level, message) => {
    if (level === 'error') process.stderr.write(`graphile-worker: ${message}\n`);
  });
  const preset = (url: string, concurrentJobs: number): object => ({
    extends: [WorkerPreset],
    worker: {
      ...{ connectionString: url, concurrentJobs, maxPoolSize: MAX_SESSIONS, logger },
      ...{ localQueue: { size: FETCHED_AT_ONCE }, completeJobBatchDelay: 0, failJobBatchDelay: 0 },
    },
  });

  return {
    async prepare(url) {
      const utils = await makeWorkerUtils({ preset: preset(url, 1) });
      await utils.migrate();
      await utils.release();
    },

    allDone: 'SELECT NOT EXISTS (SELECT FROM graphile_worker.jobs) AS ok',

    async open(url): Promise<OpenJobQueue> {
      const utils = await makeWorkerUtils({ preset: preset(url, 1) });
      return {
        async insertMany(jobs) {
          await utils.addJobs(jobs.map((payload) => ({ identifier, payload })));
        },
        async insertOne(job) {
          await utils.addJob(identifier, job);
        },
        async work(consumers, handler) {
          const taskList = { [identifier]: async (payload: unknown) => handler(payload as Job) };
          const how = { preset: preset(url, consumers), taskList, parsedCronItems: [], noHandleSignals: true };
          const runner = await run(how);
          return () => runner.stop();
        },
        close: () => utils.release(),
      };
    },
  };
}

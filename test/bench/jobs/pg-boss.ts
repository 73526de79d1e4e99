import { FETCHED_AT_ONCE, type Job, type JobQueue, MAX_SESSIONS, type OpenJobQueue } from './side.ts';

/** What is used of pg-boss. */
interface Boss {
  on(event: 'error', listener: (error: Error) => void): void;
  start(): Promise<unknown>;
  stop(options: { readonly graceful: boolean }): Promise<void>;
  createQueue(name: string): Promise<void>;
  insert(name: string, jobs: readonly { readonly data: Job }[]): Promise<unknown>;
  send(name: string, data: Job): Promise<string | null>;
  work(
    name: string,
    options: WorkOptions,
    handler: (jobs: readonly { readonly data: Job }[]) => Promise<void>,
  ): unknown;
  offWork(name: string, options: { readonly wait: boolean }): Promise<void>;
}

interface WorkOptions {
  readonly batchSize: number;
  readonly burstWhenBatchFull: boolean;
  readonly localConcurrency: number;
  readonly pollingIntervalSeconds: number;
}

export interface PgBossModule {
  readonly PgBoss: new (options: { readonly connectionString: string; readonly max: number }) => Boss;
}

const name = 'jobs';

/** pg-boss with batches that follow each other without a pause while they come full. */
export function pgBossJobs({ PgBoss }: PgBossModule): JobQueue {
  async function start(url: string): Promise<Boss> {
    const boss = new PgBoss({ connectionString: url, max: MAX_SESSIONS });
    boss.on('error', ({ message }) => process.stderr.write(`pg-boss: ${message}\n`));
    await boss.start();
    return boss;
  }

  return {
    async prepare(url) {
      const boss = await start(url);
      await boss.createQueue(name);
      await boss.stop({ graceful: true });
    },

    allDone: `SELECT NOT EXISTS (SELECT FROM pgboss.job WHERE name = '${name}' AND state < 'completed') AS ok`,

    async open(url): Promise<OpenJobQueue> {
      const boss = await start(url);
      return {
        async insertMany(jobs) {
          await boss.insert(
            name,
            jobs.map((data) => ({ data })),
          );
        },
        async insertOne(job) {
          await boss.send(name, job);
        },
        async work(consumers, handler) {
          const options = {
            batchSize: FETCHED_AT_ONCE,
            burstWhenBatchFull: true,
            localConcurrency: consumers,
            pollingIntervalSeconds: 0.5,
          };
          await boss.work(name, options, async (jobs) => {
            for (const { data } of jobs) handler(data);
          });
          return () => boss.offWork(name, { wait: true });
        },
        close: () => boss.stop({ graceful: true }),
      };
    },
  };
}

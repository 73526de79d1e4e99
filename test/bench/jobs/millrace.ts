import { connect } from '@millrace/postgres';
import { installProvider } from '@millrace/provider';
import { defineQueue, runTicker } from '@millrace/queue';
import pg from 'pg';
import { z } from 'zod';
import { type JobQueue, MAX_SESSIONS, type OpenJobQueue } from './side.ts';

const queue = defineQueue({
  name: 'jobs',
  schema: z.object({ id: z.int(), to: z.string(), subject: z.string() }),
});

/** `@millrace/queue` with the settings of its README; several consumers are subconsumers. */
export const millraceJobs: JobQueue = {
  async prepare(url) {
    const client = await connect(url, { applicationName: 'bench' });
    await installProvider(client);
    await queue.create(client, { tickAfterMs: 100 });
    await queue.consumer({ name: 'worker', database: client }).register();
    await client.end();
  },

  allDone: `SELECT NOT EXISTS (SELECT FROM pgq.get_consumer_info('jobs') WHERE current_batch IS NOT NULL) AS ok`,

  async open(url): Promise<OpenJobQueue> {
    const pool = new pg.Pool({ connectionString: url, max: MAX_SESSIONS });
    const stop = new AbortController();
    const ticking = runTicker({ database: pool, signal: stop.signal, tickMs: 100 });
    return {
      async insertMany(jobs) {
        await queue.sendMany(pool, jobs);
      },
      async insertOne(job) {
        await queue.send(pool, job);
      },
      async work(consumers, handler) {
        const names = Array.from({ length: consumers }, (_, n) => (consumers === 1 ? {} : { subconsumer: `s${n}` }));
        const all = names.map((sub) => queue.consumer({ name: 'worker', database: pool, ...sub }));
        const runs = all.map((consumer) => consumer.run(({ payload }) => handler(payload)));
        return async () => {
          await Promise.all(all.map((consumer) => consumer.close()));
          await Promise.all(runs);
        };
      },
      async close() {
        stop.abort();
        await ticking;
        await pool.end();
      },
    };
  },
};

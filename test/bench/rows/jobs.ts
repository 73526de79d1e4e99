import { join } from 'node:path';
import { startPostgres } from '@millrace/embedded';
import type { Job, JobQueue, OpenJobQueue } from '../jobs/side.ts';
import { type JobSides, jobSides } from '../jobs/sides.ts';
import { now, seconds } from '../numbers.ts';
import { serverSettings, sql, until } from '../rig.ts';

/** Jobs a second. */
export interface JobRates {
  /** A thousand in each transaction. */
  readonly many: number;
  /** One in each transaction, by one session and by eight. */
  readonly single1: number;
  readonly single8: number;
  /** Handled and done, by one consumer and by eight that share the jobs. */
  readonly out1: number;
  readonly out8: number;
}

export type JobSide = keyof JobSides;
export type JobRound = Readonly<Record<JobSide, JobRates>>;

const names: readonly JobSide[] = ['millrace', 'boss', 'graphile'];
const together = 8;

interface Plan {
  readonly dir: string;
  readonly major: number;
  /** To be handled in each measurement, a multiple of 4,000; a twentieth of the first lot is inserted singly. */
  readonly jobs: number;
  readonly rounds: number;
}

/** The rounds, each in new databases of one server; empty when the other queues cannot be had here. */
export async function jobRounds({ dir, major, jobs, rounds }: Plan): Promise<JobRound[]> {
  const sides = await jobSides();
  if (typeof sides === 'string') {
    process.stderr.write(`left out: ${sides}\n`);
    return [];
  }
  // Queues that change and delete rows live on autovacuum.
  const server = await startPostgres({
    dir: join(dir, 'jobs'),
    major,
    settings: { ...serverSettings, autovacuum: 'on' },
  });
  const done: JobRound[] = [];
  try {
    for (let round = 0; round < rounds; round += 1) {
      for (const name of names) {
        await sql(server.url, `CREATE DATABASE ${name}`);
        await sides[name].prepare(server.urlOf(name));
      }
      const shift = round % names.length;
      const order = [...names.slice(shift), ...names.slice(0, shift)];
      done.push(await measure({ sides, order, url: (name) => server.urlOf(name) }, jobs));
      for (const name of names) await sql(server.url, `DROP DATABASE ${name} WITH (FORCE)`);
    }
  } finally {
    await server.stop('immediate');
  }
  return done;
}

interface Ground {
  readonly sides: JobSides;
  /** Who goes first. */
  readonly order: readonly JobSide[];
  readonly url: (name: JobSide) => string;
}

async function measure(ground: Ground, jobs: number): Promise<JobRound> {
  const singles = jobs / 40;
  const rest = jobs - 2 * singles;
  const single1 = await turns(ground, singles, (queue) => singly(queue, singles));
  const single8 = await turns(ground, singles, async (queue) => {
    await Promise.all(Array.from({ length: together }, (_, n) => singly(queue, Math.floor((singles + n) / together))));
  });
  await turns(ground, rest, (queue) => inThousands(queue, rest));
  await tidy(ground);
  const out1 = await turns(ground, jobs, (queue, side, url) => drain(queue, { side, url, jobs, consumers: 1 }));
  const many = await turns(ground, jobs, (queue) => inThousands(queue, jobs));
  await tidy(ground);
  const out8 = await turns(ground, jobs, (queue, side, url) => drain(queue, { side, url, jobs, consumers: together }));
  const of = (name: JobSide): JobRates => ({
    ...{ many: many[name], single1: single1[name], single8: single8[name] },
    ...{ out1: out1[name], out8: out8[name] },
  });
  return { millrace: of('millrace'), boss: of('boss'), graphile: of('graphile') };
}

/** Jobs a second of each side, one after the other; nobody else is connected meanwhile. */
async function turns(
  { sides, order, url }: Ground,
  jobs: number,
  work: (queue: OpenJobQueue, side: JobQueue, url: string) => Promise<unknown>,
): Promise<Record<JobSide, number>> {
  const rates = { millrace: 0, boss: 0, graphile: 0 };
  for (const name of order) {
    const queue = await sides[name].open(url(name));
    const start = now();
    await work(queue, sides[name], url(name));
    rates[name] = jobs / seconds(start);
    await queue.close();
  }
  return rates;
}

/** So that no side works with the statistics of an empty table, or on the log of the one before it. */
async function tidy({ order, url }: Ground): Promise<void> {
  for (const name of order) await sql(url(name), 'VACUUM ANALYZE', 'CHECKPOINT');
}

const job = (id: number): Job => ({ id, to: 'ada@example.org', subject: 'Welcome' });

async function singly(queue: OpenJobQueue, jobs: number): Promise<void> {
  for (let id = 0; id < jobs; id += 1) await queue.insertOne(job(id));
}

async function inThousands(queue: OpenJobQueue, jobs: number): Promise<void> {
  for (let from = 0; from < jobs; from += 1_000) {
    await queue.insertMany(Array.from({ length: Math.min(1_000, jobs - from) }, (_, n) => job(from + n)));
  }
}

interface Drain {
  readonly side: JobQueue;
  readonly url: string;
  readonly jobs: number;
  readonly consumers: number;
}

/** Until every job was handled, once, and is marked done. */
async function drain(queue: OpenJobQueue, { side, url, jobs, consumers }: Drain): Promise<void> {
  let handled = 0;
  const all = Promise.withResolvers<void>();
  const stop = await queue.work(consumers, () => {
    handled += 1;
    if (handled === jobs) all.resolve();
  });
  await all.promise;
  await until(url, side.allDone);
  await stop();
  if (handled !== jobs) throw new Error(`${handled} jobs handled, of ${jobs}`);
}

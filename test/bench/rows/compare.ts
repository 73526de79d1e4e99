import { bulkInsert, createBulk } from '../bulk.ts';
import { now, seconds } from '../numbers.ts';
import { MillraceRig, sql } from '../rig.ts';
import type { Servers } from '../servers.ts';

/** Seconds, for one table of `rows` rows without differences. */
export interface CompareTimes {
  /** The whole command, from its start to its end. */
  readonly command: number;
  /** The plain sum on both sides at once. */
  readonly sum: number;
  /** The same on an empty table: what does not grow with it. */
  readonly fixed: number;
}

const plainSum = 'SELECT count(*), sum(hashtextextended(t::text, 0)) FROM bulk t';

/** `millrace compare` of a large table in turn with a plain sum on both sides at once. */
export async function compareTimes(servers: Servers, rows: number, rounds: number): Promise<CompareTimes[]> {
  const rig = await MillraceRig.create({ ...servers, dir: `${servers.dir}/rig`, names: ['a'], database: 'compare' });
  const urls = [rig.providerUrl, rig.subscriberUrl('a')];
  try {
    await Promise.all(urls.map((url) => fill(url, rows)));
    await rig.command('install');
    rig.startServices();
    await rig.command('add', 'bulk', 'nothing', '--no-copy');
    await rig.command('wait', '--timeout', '60s');
    const times: CompareTimes[] = [];
    for (let round = 0; round < rounds; round += 1) {
      times.push({
        sum: await timed(() => Promise.all(urls.map((url) => sql(url, plainSum)))),
        command: await timed(() => rig.command('compare', 'bulk')),
        fixed: await timed(() => rig.command('compare', 'nothing')),
      });
    }
    return times;
  } finally {
    await rig.destroy();
  }
}

async function fill(url: string, rows: number): Promise<void> {
  await createBulk(url);
  await sql(url, 'CREATE TABLE nothing (id int PRIMARY KEY)');
  for (let from = 1; from <= rows; from += 1_000_000) {
    await sql(url, bulkInsert(from, Math.min(rows, from + 999_999)));
  }
  await sql(url, 'VACUUM ANALYZE bulk', 'CHECKPOINT');
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = now();
  await work();
  return seconds(start);
}

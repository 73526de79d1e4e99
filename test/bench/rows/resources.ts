import { cpuSeconds, peakMemoryMiB, processTree } from '../cpu.ts';
import { now, seconds } from '../numbers.ts';
import { MillraceRig, sql, until } from '../rig.ts';
import type { Servers } from '../servers.ts';

export interface Memory {
  /** Highest resident memory of each service, MiB. */
  readonly peaks: Readonly<Record<string, number>>;
  readonly seconds: number;
}

/** One transaction of `rows` rows; every service's highest memory. */
export async function memory(servers: Servers, rows: number): Promise<Memory> {
  const rig = await MillraceRig.create({ ...servers, dir: `${servers.dir}/rig`, names: ['a'], database: 'memory' });
  const create = 'CREATE TABLE big (id bigint PRIMARY KEY, note text)';
  try {
    await sql(rig.providerUrl, create);
    await sql(rig.subscriberUrl('a'), create);
    await rig.command('install');
    rig.startServices();
    await rig.command('add', 'big');
    await rig.command('wait', '--timeout', '60s');
    const start = now();
    await sql(rig.providerUrl, `INSERT INTO big SELECT g, 'note ' || g FROM generate_series(1, ${rows}) g`);
    await until(rig.subscriberUrl('a'), `SELECT (SELECT count(*) FROM big) = ${rows} AS ok`);
    const peaks = Object.fromEntries([...rig.services].map(([name, child]) => [name, servicePeak(child.pid ?? 0)]));
    return { peaks, seconds: seconds(start) };
  } finally {
    await rig.destroy();
  }
}

/** The launcher stays as a parent: the service is the process below it that has the most. */
function servicePeak(pid: number): number {
  return Math.max(...processTree(pid).map(peakMemoryMiB));
}

/** Per cent of one core that all services use when nothing happens. */
export async function idle(servers: Servers, forSeconds: number): Promise<number> {
  const rig = await MillraceRig.create({ ...servers, dir: `${servers.dir}/rig`, names: ['a'], database: 'idle' });
  const create = 'CREATE TABLE still (id bigint PRIMARY KEY)';
  try {
    await sql(rig.providerUrl, create);
    await sql(rig.subscriberUrl('a'), create);
    await rig.command('install');
    rig.startServices();
    await rig.command('add', 'still');
    await rig.command('wait', '--timeout', '60s');
    await new Promise((resolve) => setTimeout(resolve, 5_000));
    const used = (): number => rig.pids().reduce((sum, pid) => sum + cpuSeconds(pid), 0);
    const before = used();
    await new Promise((resolve) => setTimeout(resolve, forSeconds * 1000));
    return ((used() - before) / forSeconds) * 100;
  } finally {
    await rig.destroy();
  }
}

import { bulkTable, createBulk, runBulk } from '../bulk.ts';
import { cpuSeconds } from '../cpu.ts';
import { now, seconds } from '../numbers.ts';
import { MillraceRig, NativeRig, sql, until } from '../rig.ts';
import type { Servers } from '../servers.ts';
import { createTpcb, runTpcb, tpcbTables } from '../tpcb.ts';

/** A load whose backlog is drained. */
export interface Load {
  readonly tables: readonly string[];
  create(url: string, rows: boolean): Promise<void>;
  /** Returns the number of row changes made. */
  run(url: string): Promise<number>;
  /** A query at the subscriber that shows, after the end, that all is there. */
  readonly complete: string;
}

/** The last commit of every load: looking for it costs nothing, so watching does not slow what is watched. */
const marker = 'CREATE TABLE marker (id int PRIMARY KEY)';
const setMarker = 'INSERT INTO marker VALUES (1)';
const arrived = 'SELECT count(*) = 1 AS ok FROM marker';

const tpcbTransactions = 30_000;

export const tpcbLoad: Load = {
  tables: tpcbTables,
  create: (url, rows) => createTpcb(url, 1, rows),
  run: async (url) => {
    await runTpcb(url, tpcbTransactions, 1);
    return tpcbTransactions * 4;
  },
  complete: `SELECT count(*) = ${tpcbTransactions} AS ok FROM pgbench_history`,
};

export const bulkLoad: Load = {
  tables: [bulkTable],
  create: (url) => createBulk(url),
  run: runBulk,
  complete: `SELECT count(*) = 200000 AS ok FROM ${bulkTable} WHERE b LIKE '%!'`,
};

export interface Drain {
  readonly changesPerSecond: number;
  readonly seconds: number;
  /** Processor seconds of the provider's server while the backlog was drained. */
  readonly providerCpu: number;
}

/** Services hang (SIGSTOP) while the load runs; the clock goes from SIGCONT to the last row at every subscriber. */
export async function drainMillrace(servers: Servers, load: Load, names: readonly string[]): Promise<Drain> {
  const rig = await MillraceRig.create({ ...servers, dir: `${servers.dir}/rig`, names, database: 'drain' });
  try {
    await prepare(load, rig, names);
    await rig.command('install');
    rig.startServices();
    await rig.command('add', ...load.tables, 'marker');
    await rig.command('wait', '--timeout', '300s');
    rig.signal('SIGSTOP');
    const changes = await load.run(rig.providerUrl);
    await sql(rig.providerUrl, setMarker);
    await settle(servers);
    const cpu = cpuSeconds(rig.provider.pid ?? 0);
    const start = now();
    rig.signal('SIGCONT');
    await Promise.all(names.map((name) => until(rig.subscriberUrl(name), arrived)));
    const time = seconds(start);
    for (const name of names) await until(rig.subscriberUrl(name), load.complete, 1);
    return { changesPerSecond: changes / time, seconds: time, providerCpu: cpuSeconds(rig.provider.pid ?? 0) - cpu };
  } finally {
    await rig.destroy();
  }
}

export async function drainNative(servers: Servers, load: Load, names: readonly string[]): Promise<Drain> {
  const rig = new NativeRig(servers.nativeProvider, servers.nativeSubscriber, 'drain');
  await rig.create(names);
  try {
    await prepare(load, rig, names);
    await rig.publish();
    for (const name of names) {
      await rig.subscribe(name, 'copy_data = true');
      await until(rig.subscriberUrl(name), `SELECT bool_and(srsubstate = 'r') AS ok FROM pg_subscription_rel`);
      await rig.enable(false, name);
    }
    const changes = await load.run(rig.providerUrl);
    await sql(rig.providerUrl, setMarker);
    await settle(servers);
    const cpu = cpuSeconds(rig.provider.pid ?? 0);
    const start = now();
    for (const name of names) await rig.enable(true, name);
    await Promise.all(names.map((name) => until(rig.subscriberUrl(name), arrived)));
    const time = seconds(start);
    for (const name of names) await until(rig.subscriberUrl(name), load.complete, 1);
    return { changesPerSecond: changes / time, seconds: time, providerCpu: cpuSeconds(rig.provider.pid ?? 0) - cpu };
  } finally {
    await rig.destroy(names);
  }
}

async function prepare(load: Load, rig: MillraceRig | NativeRig, names: readonly string[]): Promise<void> {
  const urls = [rig.providerUrl, ...names.map((name) => rig.subscriberUrl(name))];
  for (const [at, url] of urls.entries()) {
    await load.create(url, at === 0);
    await sql(url, marker);
  }
}

/** What is dirty goes to disk before the clock starts, on all sides alike. */
async function settle(servers: Servers): Promise<void> {
  await sql(servers.provider.url, 'CHECKPOINT');
  await sql(servers.nativeProvider.url, 'CHECKPOINT');
}

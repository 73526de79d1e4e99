import { bulkInsert, createBulk } from '../bulk.ts';
import { cpuSeconds } from '../cpu.ts';
import { now, seconds } from '../numbers.ts';
import { MillraceRig, sql } from '../rig.ts';
import type { Servers } from '../servers.ts';
import { createTpcb, runTpcb, tpcbTables } from '../tpcb.ts';

const transactions = 8_000;
const scale = 10;

export interface Overhead {
  /** Provider processor milliseconds a TPC-B transaction. */
  readonly bareCpuMs: number;
  readonly capturedCpuMs: number;
  /** Seconds of one statement that inserts 300k rows. */
  readonly bareInsert: number;
  readonly capturedInsert: number;
}

/** Capture on, services off: what the application pays. Bare and captured databases take turns. */
export async function overhead(servers: Servers, rounds: number): Promise<Overhead[]> {
  const rig = await MillraceRig.create({ ...servers, dir: `${servers.dir}/rig`, names: ['a'], database: 'overhead' });
  await sql(servers.provider.url, 'CREATE DATABASE bare');
  const bare = servers.provider.urlOf('bare');
  try {
    for (const url of [rig.providerUrl, bare]) {
      await createTpcb(url, scale, true);
      await createBulk(url);
    }
    await createTpcb(rig.subscriberUrl('a'), scale, false);
    await createBulk(rig.subscriberUrl('a'));
    await rig.command('install');
    await rig.command('add', '--no-copy', ...tpcbTables, 'bulk');
    const found: Overhead[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const [bareCpuMs, capturedCpuMs] = [await cpuOf(servers, bare), await cpuOf(servers, rig.providerUrl)];
      const [bareInsert, capturedInsert] = [await insertTime(bare, round), await insertTime(rig.providerUrl, round)];
      found.push({ bareCpuMs, capturedCpuMs, bareInsert, capturedInsert });
    }
    return found;
  } finally {
    await sql(servers.provider.url, 'DROP DATABASE bare WITH (FORCE)');
    await rig.destroy();
  }
}

async function cpuOf(servers: Servers, url: string): Promise<number> {
  await sql(servers.provider.url, 'CHECKPOINT');
  const before = cpuSeconds(servers.provider.pid ?? 0);
  await runTpcb(url, transactions, scale, true);
  return ((cpuSeconds(servers.provider.pid ?? 0) - before) * 1000) / transactions;
}

async function insertTime(url: string, round: number): Promise<number> {
  await sql(url, 'CHECKPOINT');
  const from = round * 300_000 + 1;
  const start = now();
  await sql(url, bulkInsert(from, from + 299_999));
  return seconds(start);
}

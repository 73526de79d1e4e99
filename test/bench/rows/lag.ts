import { connect, type PgClient } from '@millrace/postgres';
import { percentile } from '../numbers.ts';
import { MillraceRig, NativeRig, sql, until } from '../rig.ts';
import type { Servers } from '../servers.ts';

export interface Lag {
  readonly p50: number;
  readonly p99: number;
}

const perSecond = 300;
const create = 'CREATE TABLE probe (id bigint PRIMARY KEY, sent timestamptz NOT NULL, note text)';

/**
 * Single-row inserts at a steady rate. The subscriber's clock is the same machine's: a trigger that fires there for
 * replicated rows too would not see the commit, so a reader polls for new rows and takes its own time instead.
 */
async function measure(providerUrl: string, subscriberUrl: string, forSeconds: number): Promise<Lag> {
  const writer = await connect(providerUrl, { applicationName: 'bench load' });
  const reader = await connect(subscriberUrl, { applicationName: 'bench watch' });
  const sent = new Map<number, number>();
  const lags: number[] = [];
  const total = perSecond * forSeconds;
  const reading = read(reader, sent, lags, total);
  await write(writer, sent, total);
  await reading;
  await writer.end();
  await reader.end();
  const warm = lags.slice(perSecond);
  return { p50: percentile(warm, 50), p99: percentile(warm, 99) };
}

async function write(client: PgClient, sent: Map<number, number>, total: number): Promise<void> {
  const start = performance.now();
  for (let id = 1; id <= total; id += 1) {
    const due = start + (id * 1000) / perSecond;
    const early = due - performance.now();
    if (early > 1) await new Promise((resolve) => setTimeout(resolve, early));
    await client.query({ name: 'w', text: `INSERT INTO probe VALUES ($1, now(), 'a note')`, values: [id] });
    sent.set(id, performance.now());
  }
}

async function read(client: PgClient, sent: Map<number, number>, lags: number[], total: number): Promise<void> {
  let seen = 0;
  while (seen < total) {
    const rows = (
      await client.query({ name: 'r', text: 'SELECT id FROM probe WHERE id > $1 ORDER BY id', values: [seen] })
    ).rows;
    const at = performance.now();
    for (const row of rows) {
      seen = Number(row.id);
      lags.push(Math.max(0, at - (sent.get(seen) ?? at)));
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

export async function lagMillrace(servers: Servers, forSeconds: number): Promise<Lag> {
  const rig = await MillraceRig.create({ ...servers, dir: `${servers.dir}/rig`, names: ['a'], database: 'lag' });
  try {
    await sql(rig.providerUrl, create);
    await sql(rig.subscriberUrl('a'), create);
    await rig.command('install');
    rig.startServices();
    await rig.command('add', 'probe');
    await rig.command('wait', '--timeout', '60s');
    return await measure(rig.providerUrl, rig.subscriberUrl('a'), forSeconds);
  } finally {
    await rig.destroy();
  }
}

export async function lagNative(servers: Servers, forSeconds: number): Promise<Lag> {
  const rig = new NativeRig(servers.nativeProvider, servers.nativeSubscriber, 'lag');
  await rig.create();
  try {
    await sql(rig.providerUrl, create);
    await sql(rig.subscriberUrl(), create);
    await rig.publish();
    await rig.subscribe();
    await until(rig.subscriberUrl(), `SELECT bool_and(srsubstate = 'r') AS ok FROM pg_subscription_rel`);
    return await measure(rig.providerUrl, rig.subscriberUrl(), forSeconds);
  } finally {
    await rig.destroy();
  }
}

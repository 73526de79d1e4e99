import { join } from 'node:path';
import { startPostgres } from '@millrace/embedded';
import { connect } from '@millrace/postgres';
import { installProvider } from '@millrace/provider';
import { extensionServer, pgqPrograms } from '../../harness/pgq-programs.ts';
import { now, seconds } from '../numbers.ts';
import { serverSettings, sql } from '../rig.ts';

/** Events a second, in and out, of one session and of eight at once. */
export interface QueueRates {
  readonly in1: number;
  readonly in8: number;
  /** One insert in each transaction. */
  readonly single: number;
  readonly out1: number;
  readonly out8: number;
}

/** One round of the real extension and of our schema, in two databases of one PostgreSQL 15. */
export interface QueueRound {
  readonly real: QueueRates;
  readonly ours: QueueRates;
}

const sides = ['real', 'ours'] as const;
type Side = (typeof sides)[number];

const consumers = Array.from({ length: 9 }, (_, n) => `c${n}`);
const [first = '', ...others] = consumers;

/** The rounds; empty when the real extension cannot be had here. */
export async function queueRounds(dir: string, events: number, rounds: number): Promise<QueueRound[]> {
  if (pgqPrograms.why !== undefined) {
    process.stderr.write(`left out: ${pgqPrograms.why}\n`);
    return [];
  }
  const server = await startPostgres({ dir: join(dir, 'pgq'), ...extensionServer(), settings: serverSettings });
  const done: QueueRound[] = [];
  try {
    for (let round = 0; round < rounds; round += 1) {
      for (const side of sides) await prepare(server.url, server.urlOf(side), side);
      done.push(await measure((side) => server.urlOf(side), events));
      for (const side of sides) await sql(server.url, `DROP DATABASE ${side} WITH (FORCE)`);
    }
  } finally {
    await server.stop('immediate');
  }
  return done;
}

async function prepare(server: string, url: string, side: Side): Promise<void> {
  await sql(server, `CREATE DATABASE ${side}`);
  const client = await connect(url, { applicationName: 'bench' });
  if (side === 'real') await client.query('CREATE EXTENSION pgq');
  else await installProvider(client);
  await client.query(`SELECT pgq.create_queue('q')`);
  for (const consumer of consumers) await client.query(`SELECT pgq.register_consumer('q', $1)`, [consumer]);
  await client.end();
}

async function measure(url: (side: Side) => string, events: number): Promise<QueueRound> {
  const slices = 8;
  const slice = Math.ceil(events / slices / 8_000) * 8_000;
  const singles = Math.ceil(slice / 40);
  const in1 = await rates(slices, slice, (side) => insert(url(side), slice));
  const in8 = await rates(slices, slice, (side) => Promise.all(others.map(() => insert(url(side), slice / 8))));
  const single = await rates(slices, singles, (side) => insertSingly(url(side), singles));
  for (const side of sides)
    await sql(url(side), `SELECT pgq.force_tick('q')`, `SELECT pgq.ticker('q')`, 'VACUUM ANALYZE', 'CHECKPOINT');
  const all = slices * (2 * slice + singles);
  const out1 = await rates(4, all, (side) => read(url(side), first));
  const out8 = await rates(2, 8 * all, (side) => Promise.all(others.map((consumer) => read(url(side), consumer))));
  const of = (side: Side): QueueRates => ({
    ...{ in1: in1[side], in8: in8[side], single: single[side] },
    ...{ out1: out1[side], out8: out8[side] },
  });
  return { real: of('real'), ours: of('ours') };
}

/** Events a second of each side, which take turns in short slices: others on the machine disturb both alike. */
async function rates(
  slices: number,
  events: number,
  work: (side: Side) => Promise<unknown>,
): Promise<Record<Side, number>> {
  const spent = { real: 0, ours: 0 };
  for (let slice = 0; slice < slices; slice += 1) {
    for (const side of slice % 2 === 0 ? sides : sides.toReversed()) {
      const start = now();
      await work(side);
      spent[side] += seconds(start);
    }
  }
  return { real: (slices * events) / spent.real, ours: (slices * events) / spent.ours };
}

/** A thousand in each statement and transaction, so that the function itself is measured. */
async function insert(url: string, events: number): Promise<void> {
  const statement = `SELECT count(pgq.insert_event('q', 'order.paid', '{"id": ' || i || ', "amount": "12.50"}')) FROM generate_series(1, 1000) i`;
  await sql(url, ...Array.from({ length: Math.ceil(events / 1000) }, () => statement));
}

async function insertSingly(url: string, events: number): Promise<void> {
  const statement = `SELECT pgq.insert_event('q', 'order.paid', '{"id": 1, "amount": "12.50"}')`;
  await sql(url, 'SET synchronous_commit = off', ...Array.from({ length: events }, () => statement));
}

/** A whole batch, every event looked at by the server: a client would measure itself. It stays open, to be read again. */
async function read(url: string, consumer: string): Promise<void> {
  const client = await connect(url, { applicationName: 'bench' });
  const { rows } = await client.query(`SELECT pgq.next_batch('q', $1) AS batch`, [consumer]);
  const batch = rows[0]?.batch;
  if (batch === null) throw new Error(`${consumer} has no batch`);
  await client.query('SELECT count(ev_id), sum(length(ev_data)) FROM pgq.get_batch_events($1)', [batch]);
  await client.end();
}

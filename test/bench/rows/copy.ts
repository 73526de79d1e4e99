import { spawn } from 'node:child_process';
import { postgresTool } from '@millrace/embedded/testing';
import { bulkInsert, createBulk } from '../bulk.ts';
import { now, seconds } from '../numbers.ts';
import { MillraceRig, NativeRig, sql, until } from '../rig.ts';
import type { Servers } from '../servers.ts';

/** Seconds for the first copy of one table of `rows` rows. */
export interface CopyTimes {
  readonly millrace: number;
  readonly native: number;
  readonly psql: number;
}

export async function copyTimes(servers: Servers, rows: number): Promise<CopyTimes> {
  return {
    psql: await psqlCopy(servers, rows),
    native: await nativeCopy(servers, rows),
    millrace: await millraceCopy(servers, rows),
  };
}

async function fill(url: string, rows: number): Promise<void> {
  await createBulk(url);
  for (let from = 1; from <= rows; from += 1_000_000) {
    await sql(url, bulkInsert(from, Math.min(rows, from + 999_999)));
  }
  await sql(url, 'VACUUM ANALYZE bulk', 'CHECKPOINT');
}

const allThere = (rows: number): string => `SELECT count(*) = ${rows} AS ok FROM bulk`;

/** Seconds for a copy by `sessions` readers and as many loaders, against `psql`. */
export async function parallelCopyTimes(
  servers: Servers,
  rows: number,
  sessions: number,
): Promise<Omit<CopyTimes, 'native'>> {
  return { psql: await psqlCopy(servers, rows), millrace: await millraceCopy(servers, rows, sessions) };
}

/** `sessions` left out: as many as the program takes by itself. */
async function millraceCopy(servers: Servers, rows: number, sessions?: number): Promise<number> {
  const lines = sessions === undefined ? [] : [`copies: { readers: ${sessions}, loaders: ${sessions} }`];
  const rig = await MillraceRig.create({
    ...servers,
    dir: `${servers.dir}/rig`,
    names: ['a'],
    database: 'copy',
    lines,
  });
  try {
    await fill(rig.providerUrl, rows);
    await createBulk(rig.subscriberUrl('a'));
    await rig.command('install');
    rig.startServices();
    await rig.command('wait', '--timeout', '60s');
    const start = now();
    await rig.command('add', 'bulk');
    await until(rig.subscriberUrl('a'), `SELECT bool_and(state = 'ok') AS ok FROM millrace.subscribed_table`);
    const time = seconds(start);
    await until(rig.subscriberUrl('a'), allThere(rows), 1);
    return time;
  } finally {
    await rig.destroy();
  }
}

async function nativeCopy(servers: Servers, rows: number): Promise<number> {
  const rig = new NativeRig(servers.nativeProvider, servers.nativeSubscriber, 'copy');
  await rig.create();
  try {
    await fill(rig.providerUrl, rows);
    await createBulk(rig.subscriberUrl());
    await rig.publish();
    const start = now();
    await rig.subscribe('a', 'copy_data = true');
    await until(rig.subscriberUrl(), `SELECT bool_and(srsubstate = 'r') AS ok FROM pg_subscription_rel`);
    return seconds(start);
  } finally {
    await rig.destroy();
  }
}

/** `psql COPY | psql COPY`, what people do by hand. */
async function psqlCopy(servers: Servers, rows: number): Promise<number> {
  const database = 'copy_psql';
  await sql(servers.provider.url, `CREATE DATABASE ${database}`);
  await sql(servers.subscriber.url, `CREATE DATABASE ${database}`);
  try {
    await fill(servers.provider.urlOf(database), rows);
    await createBulk(servers.subscriber.urlOf(database));
    const start = now();
    await pipeCopy(servers.provider.urlOf(database), servers.subscriber.urlOf(database));
    return seconds(start);
  } finally {
    await sql(servers.provider.url, `DROP DATABASE ${database} WITH (FORCE)`);
    await sql(servers.subscriber.url, `DROP DATABASE ${database} WITH (FORCE)`);
  }
}

async function pipeCopy(from: string, to: string): Promise<void> {
  const psql = postgresTool('psql');
  if (psql === undefined) throw new Error('psql is not installed');
  const source = spawn(psql, [from, '-Xqc', 'COPY bulk TO STDOUT'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const sink = spawn(psql, [to, '-Xqc', 'COPY bulk FROM STDIN'], { stdio: ['pipe', 'inherit', 'inherit'] });
  source.stdout.pipe(sink.stdin);
  const code = await new Promise((resolve) => sink.on('exit', resolve));
  if (code !== 0) throw new Error('psql COPY | psql COPY failed');
}
